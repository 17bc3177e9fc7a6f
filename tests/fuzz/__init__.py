"""Hostile bytes for every parser: targets, a corpus that runs with the tests, and what looks for more."""
