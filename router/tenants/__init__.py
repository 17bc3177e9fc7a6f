"""Tenants: by which keys they come in, how much they may ask for, and what they may spend."""
