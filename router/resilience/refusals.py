"""Errors of calls that never reached their tier, because its door turned them away."""

from __future__ import annotations

from backends.errors import Overloaded, Unavailable


class TurnedAway(Overloaded):
    """Too many wait already; ``retry_after_s`` says when it may be better.

    ``why`` is a stable word: ``queue_full``, ``too_long_a_wait``, ``shed`` where a request of a higher
    priority took the place, or ``resting`` where the tier itself asked not to be called.
    """

    def __init__(self, message: str, *, why: str = "queue_full", retry_after_s: float | None = None) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.why = why


class CircuitOpen(Unavailable):
    """The tier failed too often of late and is left alone until ``retry_after_s``."""

    reason = "circuit_open"
