"""Experts at work: found in a model, led past it into rows, and computed from slots."""
