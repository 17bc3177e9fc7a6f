"""Looks on at requests: when they and their attempts began, what energy they took, and where they are traced.

Decides what is measured, and that an error in telling of it never reaches a request. Refuses to know who is
told.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from policies.arms import tier_of
from router.energy.account import measured, modelled, total
from router.energy.meter import Meter
from router.events import AttemptRejected, AttemptReport, AttemptStarted, EnergyUse, Event, Result
from router.journal import JournalEntry
from router.observe.run import Run, RunListener
from router.request import Request
from router.request_context import set_current
from router.tiers import Tier
from router.traceparent import Span

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sight:
    """What is looked at. ``sample_ratio`` None: nothing is traced; ``meter`` None: the machine has none."""

    sample_ratio: float | None = None
    meter: Meter | None = None
    grams_co2_per_kwh: float | None = None


class Watch:
    """Fills :class:`router.observation.Observer`; who listens hears of every request that has ended."""

    def __init__(
        self,
        sight: Sight,
        clock: Callable[[], float] = time.perf_counter,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._listeners: list[RunListener] = []
        self._clock = clock
        self._start_s = now() - clock()
        self._tiers: dict[str, Tier] = {}
        self.sight = sight

    def listen(self, listener: RunListener) -> None:
        """Let ``listener`` hear of every request that ends from now on."""
        self._listeners.append(listener)

    def look_at(self, tiers: Sequence[Tier]) -> None:
        """Take ``tiers`` for those that requests are answered by from now on."""
        self._tiers = {tier.name: tier for tier in tiers}

    def began(self, request: Request) -> Watched:
        """Begin to look on at ``request``."""
        return Watched(self, *self._traced(request))

    def now_s(self) -> float:
        """Seconds since 1970 by a clock that never jumps."""
        return self._start_s + self._clock()

    def tier(self, name: str) -> Tier | None:
        """Return the tier that an attempt ran, for an arm the one that it asks; None: not known any more."""
        return self._tiers.get(name) or self._tiers.get(tier_of(name))

    def tell(self, run: Run) -> None:
        """Tell all listeners of ``run``."""
        for listener in self._listeners:
            try:
                listener(run)
            except Exception as error:  # noqa: BLE001  who only looks on must not fail a request
                _LOG.error("a request could not be told of: an unforeseen %s", type(error).__name__)

    def _traced(self, request: Request) -> tuple[Request, str]:
        """Return ``request`` under a span of its own where it is traced, and its parent's id."""
        ratio = self.sight.sample_ratio
        if ratio is None:
            return request, ""
        parent = Span.parse(request.traceparent)
        # Not a secret: who guesses it learns which requests are traced.
        own = parent.child() if parent else Span.root(is_sampled=random.random() < ratio)  # noqa: S311
        request = replace(request, traceparent=str(own), is_traced=True)
        set_current(request.id, request.traceparent)
        return request, parent.span_id if parent else ""


class Watched:
    """Fills :class:`router.observation.Observation` for one request."""

    __slots__ = ("_attempt_began_s", "_began_s", "_measured_j", "_parent_id", "_share_j", "_watch", "request")

    def __init__(self, watch: Watch, request: Request, parent_id: str) -> None:
        self.request = request
        self._watch = watch
        self._parent_id = parent_id
        self._began_s = watch.now_s()
        self._attempt_began_s: list[float] = []
        self._measured_j: dict[int, float] = {}
        # What the meter gave for the attempt that runs; None: it is not measured.
        self._share_j: float | None = None

    def heard(self, event: Event) -> Event:
        """Take note of attempts, and write their energy into the result."""
        if isinstance(event, AttemptStarted):
            self._attempt_began_s.append(self._watch.now_s())
            self._measure_from_now(event.tier)
        elif isinstance(event, AttemptRejected):
            self._measured()
        elif isinstance(event, Result):
            self._measured()
            attempts = self._with_energy(event.attempts)
            energy = total(report.energy for report in attempts)
            return event if energy is None else replace(event, attempts=attempts, energy=energy)
        return event

    def ended(self, entry: JournalEntry) -> None:
        """Tell of the request."""
        self._measured()
        attempts = entry.result.attempts if entry.result else self._with_energy(entry.attempts)
        run = Run(
            entry,
            attempts,
            total(report.energy for report in attempts),
            self._began_s,
            self._watch.now_s(),
            tuple(self._attempt_began_s),
            self._parent_id,
        )
        self._watch.tell(run)

    def _measure_from_now(self, name: str) -> None:
        meter, tier = self._watch.sight.meter, self._watch.tier(name)
        if meter is not None and tier is not None and not tier.backend.capabilities.external:
            self._share_j = meter.began()

    def _measured(self) -> None:
        meter, share_j = self._watch.sight.meter, self._share_j
        if meter is not None and share_j is not None:
            joules = meter.ended(share_j)
            if joules is not None:
                self._measured_j[len(self._attempt_began_s)] = joules
            self._share_j = None

    def _with_energy(self, reports: Sequence[AttemptReport]) -> tuple[AttemptReport, ...]:
        energies = [self._energy(report) for report in reports]
        return tuple(
            report if energy is None else replace(report, energy=energy)
            for report, energy in zip(reports, energies, strict=True)
        )

    def _energy(self, report: AttemptReport) -> EnergyUse | None:
        grams = self._watch.sight.grams_co2_per_kwh
        if (joules := self._measured_j.get(report.number)) is not None:
            return measured(joules, grams)
        tier = self._watch.tier(report.tier)
        return None if tier is None else modelled(report, tier.energy, grams)
