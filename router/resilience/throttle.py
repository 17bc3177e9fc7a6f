"""Whether calls beyond the first may be made at all: a budget that all requests to a tier share.

A token bucket, as gRPC's retry throttling (gRFC A6): failures drain it, successes fill it slowly, and calls
are repeated only while it is half full or more. Each further call has drained a token of its own,
so that of N requests there are never more than ``N * (1 + ratio) + burst`` calls, however they fail.
"""

from __future__ import annotations

from router.resilience.settings import Retrying


class Throttle:
    """The bucket of one tier."""

    def __init__(self, settings: Retrying) -> None:
        self._ratio = settings.ratio
        self._half = float(settings.burst)
        self._tokens = 2.0 * self._half

    def succeeded(self) -> None:
        """Count a call that was answered."""
        self._tokens = min(2.0 * self._half, self._tokens + self._ratio)

    def failed(self) -> bool:
        """Count a call that failed; True where one more may be made in its place."""
        may_repeat = self._tokens - 1.0 >= self._half
        self._tokens = max(0.0, self._tokens - 1.0)
        return may_repeat

    def take(self) -> bool:
        """Take leave for a call beside one that is under way; True where it is given."""
        if self._tokens - 1.0 < self._half:
            return False
        self._tokens -= 1.0
        return True
