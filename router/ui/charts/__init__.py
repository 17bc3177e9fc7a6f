"""Geometry of the pages' charts, in pixels of their own width; templates draw it."""
