"""The admin service: a port of its own, keys of its own scope, and a log of every call."""
