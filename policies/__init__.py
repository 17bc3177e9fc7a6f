"""Decisions: how hard a request is, how sure an answer is, and which tier comes next.

Everything here is pure: no input or output but values, no clock, no network, no randomness that
is not seeded. Of ``backends`` it sees the types and nothing else.
"""
