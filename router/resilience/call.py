"""A call to a tier, seen from its door: when it may be made, and what its ending says about the tier.

Refuses to make the call itself, or to make one again.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from backends.errors import ContextTooLong, Overloaded, Refused, TimedOut
from router.resilience.guard import Guard
from router.resilience.refusals import CircuitOpen, TurnedAway


class Call:
    """One call through ``guard``, from its place in the queue to its end: ``timeout_s`` at most.

    Entering raises CircuitOpen, TurnedAway or TimedOut where the call cannot be made. How the block is left
    says how the call ended. ``may_repeat`` then tells whether the throttle allows another one.
    """

    def __init__(self, guard: Guard, timeout_s: float, priority: int = 0) -> None:
        self.may_repeat = False
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
