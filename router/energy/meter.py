"""Who spent what the machine's meters count: energy is shared equally among the attempts that run at a time.

Decides the shares. What is spent while none runs is nobody's; what other processes spend counts too, for the
meters do not tell them apart. Refuses to know what the meters are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

# Counters are read this often at most; RAPL's advances every millisecond.
_READ_INTERVAL_S = 0.001


class Counter(Protocol):
    """A meter of the machine. ``joules`` only grows; it must be quick, and may raise OSError."""

    def joules(self) -> float:
        """Energy so far, from any start."""
        ...


class Meter:
    """Reads ``counters``, at least one, and shares what they count. Use it from one thread."""

    def __init__(self, counters: Sequence[Counter], clock: Callable[[], float]) -> None:
        self._counters = tuple(counters)
        self._clock = clock
        self._read_s = clock()
        self._last_j = 0.0
        self._last_j = self._total_j()
        self._running_count = 0
        # What an attempt would have got that had run since the start.
        self._share_j = 0.0

    def began(self) -> float:
        """Note that an attempt runs from now on; what is returned is to be given back to ``ended``."""
        self._settle()
        self._running_count += 1
        return self._share_j

    def ended(self, began: float) -> float:
        """Note that an attempt has ended; return its energy in joules."""
        self._settle()
        self._running_count -= 1
        return self._share_j - began

    def _settle(self) -> None:
        now_s = self._clock()
        if now_s - self._read_s < _READ_INTERVAL_S:
            return
        self._read_s = now_s
        total_j = self._total_j()
        if self._running_count:
            self._share_j += max(0.0, total_j - self._last_j) / self._running_count
        self._last_j = total_j

    def _total_j(self) -> float:
        try:
            return sum(counter.joules() for counter in self._counters)
        except OSError:
            return self._last_j
