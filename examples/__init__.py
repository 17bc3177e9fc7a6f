"""Configurations and models that work offline, to start from."""
