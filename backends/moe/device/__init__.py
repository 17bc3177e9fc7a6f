"""Experts that a GPU manages by itself: it sees misses, fetches, computes; no step waits for the host."""
