"""Signals that cost a model call: one file a probe, listed in ``policies.registry``."""
