"""Certificates at work: what they rest on, who may serve by them, and the watch over them."""
