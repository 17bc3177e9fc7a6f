"""What requests came to of late, counted in slices of two seconds while they end.

Decides what is counted and for how long it is remembered: a quarter of an hour, in bounded memory. It runs
beside requests, so it adds to counters and nothing else; sums are for those who look (see ``window``).
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable
from itertools import pairwise
from math import floor, log
from typing import Any

from backends.types import Usage
from router.events import AttemptReport
from router.observe.run import Run
from router.saving import alone_usd_micros

SLICE_S = 2.0
SLICE_COUNT = 450
# Latencies are counted by their power of this, so that any number of them is cheap to keep and to sum up;
# a percentile is right within 5 %.
LATENCY_BASE = 1.1
_MIN_LATENCY_S = 1e-6
_PER_LOG = 1.0 / log(LATENCY_BASE)

PriceOf = Callable[[str, Usage], int | None]
"""Cost of that usage at that tier, in millionths of a US dollar; None: there is no such tier."""


class Slice:
    """Counts of ``SLICE_S`` seconds from ``start_s``.

    ``tiers`` counts answers by tier, ``endings`` requests by how they ended, ``attempts`` by tier and by
    why they were kept or not, ``moves`` by the tiers before and after an escalation and its reason,
    ``latencies`` by the power of ``LATENCY_BASE`` seconds below them.
    """

    __slots__ = (
        "attempts",
        "baseline_usd_micros",
        "cost_usd_micros",
        "count",
        "endings",
        "firsts",
        "latencies",
        "moves",
        "start_s",
        "tiers",
    )

    def __init__(self, start_s: float) -> None:
        self.start_s = start_s
        self.count = 0
        self.cost_usd_micros = 0
        self.baseline_usd_micros = 0.0
        self.tiers: Counter[str] = Counter()
        self.firsts: Counter[str] = Counter()
        self.endings: Counter[str] = Counter()
        self.attempts: Counter[tuple[str, str, str]] = Counter()
        self.moves: Counter[tuple[str, str, str]] = Counter()
        self.latencies: Counter[int] = Counter()

    def add(self, other: Slice) -> None:
        """Count what ``other`` has counted, too."""
        self.count += other.count
        self.cost_usd_micros += other.cost_usd_micros
        self.baseline_usd_micros += other.baseline_usd_micros
        for own, more in (
            (self.tiers, other.tiers),
            (self.firsts, other.firsts),
            (self.endings, other.endings),
            (self.attempts, other.attempts),
            (self.moves, other.moves),
            (self.latencies, other.latencies),
        ):
            _add(own, more)


def _add(own: Counter[Any], more: Counter[Any]) -> None:
    # Counter.update copes with all that can be counted, and takes five times as long.
    for key, count in more.items():
        own[key] = own.get(key, 0) + count


class Traffic:
    """Hears of runs (:data:`router.observe.run.RunListener`); use it from the loop's thread.

    ``slices`` are in order; ``total`` has number and money of all requests since the start.

    ``baseline`` names the tier that is always asked in the comparison, ``price_of`` prices tokens.
    """

    def __init__(
        self,
        baseline: Callable[[], str],
        price_of: PriceOf,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.baseline = baseline
        self.clock = clock
        self.slices: deque[Slice] = deque(maxlen=SLICE_COUNT)
        self.total = Slice(clock())
        self._price_of = price_of

    def heard(self, run: Run) -> None:
        """Count ``run``."""
        now, total, result = self._slice(), self.total, run.entry.result
        now.latencies[floor(log(max(run.latency_s, _MIN_LATENCY_S)) * _PER_LOG)] += 1
        cost = 0
        for report in run.attempts:
            cost += report.cost_usd_micros
        # What had no answer has saved nothing.
        baseline = cost if result is None else self._baseline(run)
        for counts in (now, total):
            counts.count += 1
            counts.cost_usd_micros += cost
            counts.baseline_usd_micros += baseline
        now.endings[run.outcome] += 1
        if result is not None:
            now.tiers[result.tier] += 1
        self._count_attempts(now, run.attempts)

    def _slice(self) -> Slice:
        start_s = self.clock() // SLICE_S * SLICE_S
        if not self.slices or self.slices[-1].start_s < start_s:
            self.slices.append(Slice(start_s))
        return self.slices[-1]

    def _count_attempts(self, now: Slice, attempts: tuple[AttemptReport, ...]) -> None:
        if attempts:
            now.firsts[attempts[0].tier] += 1
        for report in attempts:
            now.attempts[report.tier, report.outcome.value, report.reason] += 1
        for before, after in pairwise(attempts):
            if before.tier != after.tier:
                now.moves[before.tier, after.tier, before.reason] += 1

    def _baseline(self, run: Run) -> float:
        name = self.baseline()
        return alone_usd_micros(
            name, run.entry.decided, run.attempts, lambda usage: self._price_of(name, usage)
        )
