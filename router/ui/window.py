"""The last minutes of traffic as figures: rates, shares, percentiles, the way up the ladder, money."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import ceil

from router.ui.traffic import LATENCY_BASE, SLICE_S, Slice, Traffic


@dataclass(frozen=True, slots=True)
class Point:
    """One step of a chart that ends at ``end_s``: requests a second by tier that answered, and latencies.

    ``failed_per_s`` had no answer. Latencies are None where nothing ended.
    """

    end_s: float
    per_s: dict[str, float]
    failed_per_s: float
    p50_s: float | None
    p95_s: float | None


@dataclass(frozen=True, slots=True)
class Window:
    """``span_s`` seconds up to ``end_s``. Money is in US dollars."""

    span_s: float
    end_s: float
    count: int
    tiers: Counter[str]
    firsts: Counter[str]
    endings: Counter[str]
    attempts: Counter[tuple[str, str, str]]
    moves: Counter[tuple[str, str, str]]
    cost_usd: float
    baseline_usd: float
    p50_s: float | None
    p95_s: float | None
    points: tuple[Point, ...]

    @property
    def per_s(self) -> float:
        """Requests a second."""
        return self.count / self.span_s

    @property
    def answered_count(self) -> int:
        """Requests that had an answer."""
        return self.tiers.total()

    @property
    def escalated_count(self) -> int:
        """Steps from one tier to another."""
        return self.moves.total()

    @property
    def saved_share(self) -> float | None:
        """Share of the baseline's cost that was not spent; None: it would cost nothing."""
        return 1.0 - self.cost_usd / self.baseline_usd if self.baseline_usd else None

    @property
    def errors(self) -> list[tuple[str, int]]:
        """Requests without an answer by reason, most frequent first."""
        return [(reason, count) for reason, count in self.endings.most_common() if reason != "OK"]


def window_of(traffic: Traffic, span_s: float, point_count: int = 40) -> Window:
    """Sum up the slices of the last ``span_s`` seconds, the one under way included."""
    end_s = (traffic.clock() // SLICE_S + 1) * SLICE_S
    step_s = max(SLICE_S, span_s / point_count // SLICE_S * SLICE_S)
    steps = _steps(traffic, end_s, span_s, step_s)
    whole = Slice(end_s - span_s)
    for step in steps:
        whole.add(step)
    return Window(
        span_s=span_s,
        end_s=end_s,
        count=whole.count,
        tiers=whole.tiers,
        firsts=whole.firsts,
        endings=whole.endings,
        attempts=whole.attempts,
        moves=whole.moves,
        cost_usd=whole.cost_usd_micros / 1e6,
        baseline_usd=whole.baseline_usd_micros / 1e6,
        p50_s=percentile(whole.latencies, 0.5),
        p95_s=percentile(whole.latencies, 0.95),
        points=tuple(_point(step, step_s) for step in steps),
    )


def percentile(latencies: Counter[int], share: float) -> float | None:
    """Seconds that ``share`` of ``latencies`` do not exceed, within 5 %; None: there are none."""
    wanted = share * latencies.total()
    seen = 0
    for power in sorted(latencies):
        seen += latencies[power]
        if seen >= wanted:
            return float(LATENCY_BASE ** (power + 0.5))
    return None


def _steps(traffic: Traffic, end_s: float, span_s: float, step_s: float) -> list[Slice]:
    """The slices of the span put together to steps, oldest first; a shorter one begins where it must."""
    count = ceil(span_s / step_s)
    steps = [Slice(end_s - back * step_s) for back in range(count, 0, -1)]
    for one in reversed(traffic.slices):
        if one.start_s < end_s - span_s:
            break
        steps[int((one.start_s - steps[0].start_s) // step_s)].add(one)
    return steps


def _point(step: Slice, step_s: float) -> Point:
    return Point(
        step.start_s + step_s,
        {tier: count / step_s for tier, count in step.tiers.items()},
        (step.count - step.tiers.total()) / step_s,
        percentile(step.latencies, 0.5),
        percentile(step.latencies, 0.95),
    )
