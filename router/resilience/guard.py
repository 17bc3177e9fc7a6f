"""The one door to a tier: breaker, throttle, limit, queue and hedge delay, joined.

Decides nothing that they do not; tells who listens. Refuses to know what a call is: see ``call``.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

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
    when a call's time runs out. ``clock`` gives seconds, and ``sleep`` waits.
    """

    def __init__(
        self,
        tier: str,
        gate: Gate,
        settings: Resilience,
        *,
        typical_latency_s: float,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
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
        self._sleep = sleep
        self._retry_count = self._hedge_count = self._turned_away_count = 0

    def why_closed(self) -> str | None:
        """Why no call should be made now, as a stable word; None: one may, if need be after a short rest."""
        return None if self.breaker.admits() or self.breaker.is_resting else CircuitOpen.reason

    def retry_wait_s(self, retry_number: int, retry_after_s: float | None) -> float | None:
        """Seconds to wait before the ``retry_number``-th further call; None: it is not made."""
        return wait_s(self.settings.retries, retry_number, retry_after_s, random.random)

    async def pause(self, reason: str, wait_s: float) -> None:
        """Wait before a call that failed for ``reason`` is made again, and take note of it."""
        self._retry_count += 1
        self.listeners.tell(CallRepeated(self.tier, reason, wait_s))
        await self._sleep(wait_s)

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
