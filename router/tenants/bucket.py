"""A token bucket: so much at once, so much a second on average.

Pure: time comes in from outside, in seconds of any clock that does not go back; one that does, stands still.
"""

from __future__ import annotations


class TokenBucket:
    """Starts full. ``capacity`` and ``rate_per_s`` are above 0.

    What was taken by estimate is corrected afterwards, so the level may be below 0: a debt, which has to
    be filled up before anything is given out again.
    """

    __slots__ = ("_capacity", "_level", "_rate_per_s", "_seen_s")

    def __init__(self, capacity: float, rate_per_s: float, now_s: float) -> None:
        self._capacity = capacity
        self._rate_per_s = rate_per_s
        self._level = capacity
        self._seen_s = now_s

    def wait_s(self, amount: float, now_s: float) -> float:
        """Seconds until ``amount`` can be taken, 0: now. More than the bucket holds takes a full bucket."""
        self._refill(now_s)
        missing = min(amount, self._capacity) - self._level
        return max(0.0, missing / self._rate_per_s)

    def take(self, amount: float, now_s: float) -> None:
        """Take ``amount``, into debt if need be; a negative one is given back."""
        self._refill(now_s)
        self._level = min(self._capacity, self._level - amount)

    def _refill(self, now_s: float) -> None:
        if now_s > self._seen_s:
            self._level = min(self._capacity, self._level + (now_s - self._seen_s) * self._rate_per_s)
        self._seen_s = now_s
