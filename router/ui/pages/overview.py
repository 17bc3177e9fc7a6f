"""The first page: traffic as it goes, the way up the ladder, money, and errors."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from router.events import Outcome
from router.ui.charts.time import Series, lines, stacked
from router.ui.sources import Sources, baseline_of
from router.ui.view import View, width_of
from router.ui.window import Window, window_of

SPANS_S = {"60": "1 min", "300": "5 min", "900": "15 min"}
_DEFAULT_SPAN = "300"
_HEIGHT = 210.0
_FAILED_COLOUR = -1


@dataclass(frozen=True, slots=True)
class Rung:
    """A tier in the funnel: attempts, how many were kept, and why the others were not."""

    tier: str
    tried_count: int
    kept_count: int
    others: tuple[tuple[str, int], ...]


class OverviewPage:
    """Live figures; the moving part is fetched anew while somebody looks."""

    def __init__(self, sources: Sources, view: View) -> None:
        self._sources = sources
        self._view = view
        self.routes = (
            Route("/", self.show, methods=["GET"]),
            Route("/overview", self.show, methods=["GET"]),
            Route("/overview/live", self.live, methods=["GET"]),
        )

    async def show(self, request: Request) -> Response:
        """Show the page."""
        return self._view.page(request, "overview", spans=SPANS_S, **self._values(request))

    async def live(self, request: Request) -> Response:
        """Show what moves."""
        return self._view.part(request, "overview_live", **self._values(request))

    def _values(self, request: Request) -> dict[str, Any]:
        asked = request.query_params.get("window", _DEFAULT_SPAN)
        span = asked if asked in SPANS_S else _DEFAULT_SPAN
        width, sources = width_of(request), self._sources
        window = window_of(sources.traffic, float(span))
        total = sources.traffic.total
        return {
            "span": span,
            "said": SPANS_S[span],
            "window": window,
            "total": total,
            "total_saved": _saved(total.cost_usd_micros, total.baseline_usd_micros),
            "in_flight": sources.core.request_count,
            "baseline": baseline_of(sources.config, sources.core),
            "started_s": sources.started_s,
            "traffic_chart": self._traffic(window, width),
            "latency_chart": _latencies(window, width),
            "rungs": self._rungs(window),
        }

    def _traffic(self, window: Window, width: float) -> object:
        ladder = self._sources.ladder
        series = [
            Series(name, place, tuple(point.per_s.get(name, 0.0) for point in window.points))
            for place, name in enumerate(ladder)
        ]
        failed = Series("no answer", _FAILED_COLOUR, tuple(point.failed_per_s for point in window.points))
        return stacked([*series, failed], window.span_s, width, _HEIGHT)

    def _rungs(self, window: Window) -> list[Rung]:
        names = [*self._sources.ladder]
        names += sorted({tier for tier, _, _ in window.attempts} - {*names})
        return [_rung(name, window) for name in names]


def _latencies(window: Window, width: float) -> object:
    series = [
        Series("p95", 1, tuple(point.p95_s for point in window.points)),
        Series("p50", 0, tuple(point.p50_s for point in window.points)),
    ]
    return lines(series, window.span_s, width, _HEIGHT)


def _rung(name: str, window: Window) -> Rung:
    others: Counter[str] = Counter()
    kept = 0
    for (tier, outcome, reason), count in window.attempts.items():
        if tier != name:
            continue
        if outcome == Outcome.ACCEPTED:
            kept += count
        else:
            others[reason] += count
    return Rung(name, kept + others.total(), kept, tuple(others.most_common()))


def _saved(cost: float, baseline: float) -> float | None:
    return 1.0 - cost / baseline if baseline else None
