"""Experts that a GPU manages by itself: it sees misses, fetches and computes, and no step waits for the host."""
