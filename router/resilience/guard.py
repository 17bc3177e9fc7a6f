"""The one door to a tier: every call goes through it, and tells it how it ended.

Joins breaker, throttle, limit, queue and hedge delay. Decides only what an ending says about the tier;
refuses to make a call, or to make one again.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from backends.errors import ContextTooLong, Overloaded, Refused, TimedOut
from router.resilience.adaptive_limit import AdaptiveLimit
from router.resilience.breaker import Breaker, Circuit
from router.resilience.gate import Gate
from router.resilience.happenings import (
    CallHedged,
    CallRepeated,
    CallTurnedAway,
    CircuitMoved,
    HedgeEnded,
    LimitMoved,
    Listeners,
)
from router.resilience.hedging import HedgeDelay
from router.resilience.refusals import CircuitOpen, TurnedAway
from router.resilience.retrying import wait_s
from router.resilience.settings import Resilience
from router.resilience.throttle import Throttle


@dataclass(frozen=True, slots=True)
class Health:
    """How a tier's door stands. ``reopens_in_s`` 0: it is not shut. Counts run since the start."""

    circuit: Circuit = Circuit.CLOSED
    reopens_in_s: float = 0.0
    concurrency_limit: int = 0
    expected_wait_s: float = 0.0
    opened_count: int = 0
    retry_count: int = 0
    hedge_count: int = 0
    turned_away_count: int = 0


class Guard:
    """The door of the tier called ``tier``, before ``gate``.

    A silence of ``typical_latency_s``, in which the tier usually gives a whole answer, counts as a failure
    when a call's time runs out. ``clock`` gives seconds, ``chance`` numbers in [0, 1).
    """

    def __init__(
        self,
        tier: str,
        gate: Gate,
        settings: Resilience,
        *,
        typical_latency_s: float,
        clock: Callable[[], float],
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.tier = tier
        self.gate = gate
        self.settings = settings
        self.typical_latency_s = typical_latency_s
        self.clock = clock
        self.breaker = Breaker(settings.breaker, clock)
        self.throttle = Throttle(settings.retries)
        self.limit = AdaptiveLimit(settings.adaptive, gate.limit)
        self.hedge_delay = HedgeDelay(settings.hedge)
        self.listeners = Listeners()
        self._chance = chance
        self._retry_count = self._hedge_count = self._turned_away_count = 0

    def call(self, timeout_s: float, priority: int = 0) -> Call:
        """A call of at most ``timeout_s``, to be entered by ``async with``; see :class:`Call`."""
        return Call(self, timeout_s, priority)

    def why_closed(self) -> str | None:
        """Why no call should be made now, as a stable word; None: one may, if need be after a short rest."""
        return None if self.breaker.admits() or self.breaker.is_resting else CircuitOpen.reason

    def retry_wait_s(self, retry_number: int, retry_after_s: float | None) -> float | None:
        """Seconds to wait before the ``retry_number``-th further call; None: it is not made."""
        return wait_s(self.settings.retries, retry_number, retry_after_s, self._chance)

    def repeated(self, reason: str, wait_s: float) -> None:
        """Take note that a call is made again."""
        self._retry_count += 1
        self.listeners.tell(CallRepeated(self.tier, reason, wait_s))

    def hedged(self, delay_s: float) -> None:
        """Take note that a second call is made beside a slow one."""
        self._hedge_count += 1
        self.listeners.tell(CallHedged(self.tier, delay_s))

    def hedge_ended(self, *, won: bool) -> None:
        """Take note of which of two calls was kept."""
        self.listeners.tell(HedgeEnded(self.tier, won))

    def turned_away(self, why: str, priority: int) -> None:
        """Take note of a call that was not let in."""
        self._turned_away_count += 1
        self.listeners.tell(CallTurnedAway(self.tier, why, priority))

    def adapt(self) -> None:
        """Let so many in as the limit says now."""
        if self.limit.current != self.gate.limit:
            self.gate.limit = self.limit.current
            self.listeners.tell(LimitMoved(self.tier, self.gate.limit))

    def shut(self) -> CircuitOpen | TurnedAway:
        """The error of a call that may not be made now."""
        left_s = self.breaker.wait_s() or self.settings.breaker.open_s
        if self.breaker.is_resting:
            said = f"tier {self.tier!r} asked not to be called for another {left_s:.1f} s"
            return TurnedAway(said, why="resting", retry_after_s=left_s)
        said = f"tier {self.tier!r} failed too often of late and is left alone for {left_s:.1f} s"
        return CircuitOpen(said, retry_after_s=left_s)

    def moved(self, circuit: Circuit) -> None:
        """Tell of a circuit that moved; where it opened nobody needs to wait any longer."""
        if circuit is Circuit.OPEN and not self.breaker.is_resting:
            self.gate.dismiss(self.shut)
        self.listeners.tell(CircuitMoved(self.tier, circuit))

    def health(self) -> Health:
        """How it stands now."""
        return Health(
            circuit=self.breaker.circuit,
            reopens_in_s=self.breaker.wait_s(),
            concurrency_limit=self.gate.limit,
            expected_wait_s=self.gate.expected_wait_s(),
            opened_count=self.breaker.opened_count,
            retry_count=self._retry_count,
            hedge_count=self._hedge_count,
            turned_away_count=self._turned_away_count,
        )


class Call:
    """One call to a tier, from its place in the queue to its end.

    Entering raises CircuitOpen, TurnedAway or TimedOut where the call cannot be made. How the block is left
    says how the call ended. ``may_repeat`` then tells whether the throttle allows another one.
    """

    def __init__(self, guard: Guard, timeout_s: float, priority: int) -> None:
        self.may_repeat = False
        self.was_made = False
        self._guard = guard
        self._timeout_s = timeout_s
        self._priority = priority
        self._era = 0
        self._entered_s = 0.0
        self._latest_s: float | None = None

    async def __aenter__(self) -> Self:
        guard = self._guard
        try:
            if not guard.breaker.admits():
                raise guard.shut()
            self._entered_s = await guard.gate.enter(self._timeout_s, self._priority)
            # It may have been shut while the call waited.
            era = guard.breaker.enter()
            if era is None:
                guard.gate.give_back()
                raise guard.shut()
        except TurnedAway as error:
            # No call was made, so none is made twice.
            self.may_repeat = True
            guard.turned_away(error.why, self._priority)
            raise
        except CircuitOpen as error:
            guard.turned_away(error.reason, self._priority)
            raise
        self._era = era
        self.was_made = True
        return self

    def heard(self) -> None:
        """Take note that the tier said something."""
        guard, now_s = self._guard, self._guard.clock()
        if self._latest_s is None:
            guard.limit.sample(now_s - self._entered_s, guard.gate.in_flight_count)
            guard.hedge_delay.add(now_s - self._entered_s)
            guard.adapt()
        self._latest_s = now_s

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        before = self._guard.breaker.circuit
        self._end(error)
        after = self._guard.breaker.circuit
        self._guard.gate.leave(self._entered_s)
        self._guard.adapt()
        if after is not before:
            self._guard.moved(after)

    def _end(self, error: BaseException | None) -> None:
        """Say to breaker, throttle and limit what the ending means to each."""
        guard = self._guard
        if error is None or isinstance(error, Refused | ContextTooLong):
            guard.breaker.succeeded(self._era)
            guard.throttle.succeeded()
        elif isinstance(error, asyncio.CancelledError | GeneratorExit):
            guard.breaker.left(self._era)
        elif isinstance(error, Overloaded):
            self._end_full(error)
        elif isinstance(error, TimedOut | TimeoutError) and not self._was_silent():
            guard.breaker.left(self._era)
        else:
            guard.breaker.failed(self._era)
            self.may_repeat = guard.throttle.failed()

    def _end_full(self, error: Overloaded) -> None:
        """It is up, but full: fewer at once, and none for as long as it asks for."""
        guard = self._guard
        guard.breaker.left(self._era)
        guard.limit.overloaded()
        if error.retry_after_s:
            guard.breaker.rest(error.retry_after_s)
        self.may_repeat = guard.throttle.failed()

    def _was_silent(self) -> bool:
        since_s = self._entered_s if self._latest_s is None else self._latest_s
        return self._guard.clock() - since_s >= self._guard.typical_latency_s
