"""Old against new as a picture: outcome against cost with intervals, and who answers what share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from router.simulate.errors import SimulationError
from router.simulate.result import Measure, Side, Simulation

_COLOURS = {"old": "#4477aa", "new": "#ee6677"}
_TIER_COLOURS = ("#bbccee", "#ccddaa", "#eeeebb", "#ffcccc", "#dddddd", "#cceeff")


def draw(found: Simulation, path: Path) -> None:
    """Write the picture to ``path``, its kind by the name's ending.

    Raises SimulationError where matplotlib is not there or cannot write that kind, and OSError.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as exc:
        raise SimulationError(
            "a picture needs matplotlib; install the extra: pip install 'upshift[plot]'"
        ) from exc
    figure = Figure(figsize=(9.0, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    _points(left, found)
    _shares(right, found)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=160)
    except ValueError as exc:
        raise SimulationError(f"{path}: {exc}") from exc


def _points(axes: Any, found: Simulation) -> None:
    # Up is better in both: what is lost is drawn as what is kept of the top tier's quality.
    sign = -100.0 if found.measure is Measure.LOSS else 100.0
    for tier, (cost, outcome) in found.tiers.items():
        at = 1e3 * cost, sign * outcome
        axes.scatter(*at, color="black", s=18, zorder=3)
        end = "right" if tier == found.top_tier else "left"
        axes.annotate(f"always {tier}", at, xytext=(5, -12), horizontalalignment=end, **_SMALL)
    for role, side in (("old", found.old), ("new", found.new)):
        _cross(axes, role, side, sign)
    label = "against always " + found.top_tier if found.measure is Measure.LOSS else "mean score"
    axes.set(xlabel="mean cost of a request, thousandths of a dollar", ylabel=f"quality, points, {label}")
    axes.margins(0.06, 0.12)
    axes.set_xlim(left=0)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    axes.set_title(f"{found.request_count:,} requests, {found.source}", loc="left", fontsize=10)


_SMALL = {"textcoords": "offset points", "fontsize": 8}


def _cross(axes: Any, role: str, side: Side, sign: float) -> None:
    """One policy with its two intervals; where its outcome is refused, a line at its cost."""
    colour, name = _COLOURS[role], f"{role}: {side.name}"
    cost = side.cost_usd
    assert cost.value is not None
    if side.outcome.value is None:
        axes.axvline(1e3 * cost.value, color=colour, linestyle=":", label=f"{name} (outcome not known)")
        return
    y = sign * side.outcome.value
    axes.errorbar(
        [1e3 * cost.value],
        [y],
        xerr=_bars(1e3 * cost.value, 1e3, cost.low, cost.high),
        yerr=_bars(y, sign, side.outcome.low, side.outcome.high),
        fmt="o",
        capsize=3,
        color=colour,
        label=name,
    )


def _bars(value: float, scale: float, low: float | None, high: float | None) -> list[list[float]] | None:
    if low is None or high is None:
        return None
    ends = sorted((scale * low, scale * high))
    return [[max(0.0, value - ends[0])], [max(0.0, ends[1] - value)]]


def _shares(axes: Any, found: Simulation) -> None:
    sides = (("new", found.new), ("old", found.old))
    tiers = list(dict.fromkeys([*found.tiers, *found.old.answered, *found.new.answered]))
    lefts = [0.0, 0.0]
    for colour, tier in zip(_TIER_COLOURS * (1 + len(tiers) // 6), tiers, strict=False):
        widths = [100.0 * side.answered.get(tier, 0.0) for _, side in sides]
        axes.barh([role for role, _ in sides], widths, left=lefts, color=colour, label=tier, height=0.5)
        for row, (left, width) in enumerate(zip(lefts, widths, strict=True)):
            if width >= 6.0:
                axes.text(left + width / 2, row, f"{width:.0f}", ha="center", va="center", fontsize=8)
        lefts = [left + width for left, width in zip(lefts, widths, strict=True)]
    axes.set(xlabel="answered by, % of requests", xlim=(0, 100))
    axes.legend(fontsize=8, ncols=3, loc="upper center", bbox_to_anchor=(0.5, 1.16), frameon=False)
