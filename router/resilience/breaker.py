"""Whether a tier that fails should be asked at all: a circuit breaker.

Decides from how the latest calls ended, and from the time, which is injected. Refuses to know what a failure
is, and makes no call of its own: real requests are its probes. Use from one thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import StrEnum

from router.resilience.settings import Breaking

# Calls that are remembered: enough for a share, few enough that a tier that dies under load is soon known.
_REMEMBERED_CALL_COUNT = 50


class Circuit(StrEnum):
    """How the breaker stands: calls pass (closed), none does (open), or one at a time (half-open)."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """Counts how calls end. Every call that ``enter`` lets in ends in one of three methods.

    Those take what ``enter`` returned: a call from before the circuit moved says nothing about it now.
    ``opened_count`` counts how often it opened.
    """

    def __init__(self, settings: Breaking, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._ends: deque[tuple[float, bool]] = deque(maxlen=_REMEMBERED_CALL_COUNT)
        self._is_open = False
        self._until_s = 0.0
        self._rest_until_s = 0.0
        self._reopened_count = 0
        self._era = 0
        self._is_probing = False
        self._good_probe_count = 0
        self.opened_count = 0

    @property
    def circuit(self) -> Circuit:
        """How it stands now; a rest that the tier asked for counts as open."""
        now_s = self._clock()
        if now_s < self._rest_until_s or (self._is_open and now_s < self._until_s):
            return Circuit.OPEN
        return Circuit.HALF_OPEN if self._is_open else Circuit.CLOSED

    @property
    def is_resting(self) -> bool:
        """Whether the tier itself asked to be left alone, and does not fail otherwise."""
        return not self._is_open and self._clock() < self._rest_until_s

    def wait_s(self) -> float:
        """Seconds until a call may be let in; 0 where one may be now."""
        until_s = max(self._rest_until_s, self._until_s if self._is_open else 0.0)
        return max(0.0, until_s - self._clock())

    def admits(self) -> bool:
        """Whether ``enter`` would let a call in now."""
        circuit = self.circuit
        return circuit is Circuit.CLOSED or (circuit is Circuit.HALF_OPEN and not self._is_probing)

    def enter(self) -> int | None:
        """Let a call in; None: the tier is left alone."""
        if not self.admits():
            return None
        if self._is_open:
            self._is_probing = True
        return self._era

    def succeeded(self, era: int) -> None:
        """Count a call that the tier answered."""
        if era != self._era:
            return
        if not self._is_open:
            self._ends.append((self._clock(), False))
            return
        self._is_probing = False
        self._good_probe_count += 1
        if self._good_probe_count >= self._settings.probe_count:
            self._is_open = False
            self._reopened_count = 0
            self._move()

    def failed(self, era: int) -> None:
        """Count a call that shows the tier to be ill."""
        if era != self._era or not self._settings.enabled:
            return
        if self._is_open:
            self._open()
            return
        now_s = self._clock()
        self._ends.append((now_s, True))
        recent = [failed for time_s, failed in self._ends if time_s > now_s - self._settings.window_s]
        is_enough = len(recent) >= self._settings.min_call_count
        if is_enough and sum(recent) >= self._settings.failure_share * len(recent):
            self._open()

    def left(self, era: int) -> None:
        """Take note of a call that ended without saying anything about the tier."""
        if era == self._era:
            self._is_probing = False

    def rest(self, wait_s: float) -> None:
        """Let nobody in for ``wait_s``, as the tier asked; ``max_open_s`` at most."""
        if self._settings.enabled:
            until_s = self._clock() + min(wait_s, self._settings.max_open_s)
            self._rest_until_s = max(self._rest_until_s, until_s)

    def _open(self) -> None:
        settings = self._settings
        open_s = min(settings.max_open_s, settings.open_s * 2.0 ** min(self._reopened_count, 32))
        self._is_open = True
        self._until_s = self._clock() + open_s
        self._reopened_count += 1
        self.opened_count += 1
        self._move()

    def _move(self) -> None:
        self._era += 1
        self._is_probing = False
        self._good_probe_count = 0
        self._ends.clear()
