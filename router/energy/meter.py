"""Who takes what the machine draws: it is shared equally among the attempts that run at a time.

Decides the shares. What is drawn while none runs is nobody's; what other processes draw counts too, for the
meters do not tell them apart. Refuses to know what the meters are.
"""

from __future__ import annotations

from collections.abc import Callable

# The power goes on being read so long after the last attempt, so that the next one finds it known.
_AFTERWARDS_S = 5.0


class Meter:
    """Shares ``watts``, whose None means that nobody knows. Use it from one thread."""

    def __init__(self, watts: Callable[[], float | None], clock: Callable[[], float]) -> None:
        self._watts = watts
        self._clock = clock
        self._settled_s = clock()
        self._running_count = 0
        # What an attempt would have taken that had run since the start.
        self._share_j = 0.0

    @property
    def running_count(self) -> int:
        """Attempts that run now."""
        return self._running_count

    def is_wanted(self) -> bool:
        """Whether the power is needed: an attempt runs, or one did of late. May be asked from any thread."""
        return self._running_count > 0 or self._clock() - self._settled_s < _AFTERWARDS_S

    def began(self) -> float:
        """Note that an attempt runs from now on; what is returned is to be given back to ``ended``."""
        self._settle()
        self._running_count += 1
        return self._share_j

    def ended(self, began: float) -> float | None:
        """Note that an attempt has ended; return its energy in joules, None where nobody knows."""
        self._settle()
        self._running_count -= 1
        return None if self._watts() is None else self._share_j - began

    def _settle(self) -> None:
        now_s, watts = self._clock(), self._watts()
        if self._running_count and watts is not None:
            self._share_j += watts * (now_s - self._settled_s) / self._running_count
        self._settled_s = now_s
