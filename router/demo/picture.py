"""Draws cost against quality, for those who would rather look than read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from router.demo.summary import Summary

_COLOURS = {
    "always_edge": "#7f9c96",
    "always_local": "#5b7f9c",
    "always_frontier": "#33475b",
    "random_mix": "#b0a08a",
    "upshift": "#d1495b",
}


def draw(runs: Mapping[str, Summary], path: Path) -> None:
    """Save the cost-quality picture of the runs as a PNG.

    Bars are 95 % intervals; the dashed line is what mixing the cheapest and the dearest tier at
    random gives. Raises ImportError where matplotlib is missing (``pip install 'upshift[plot]'``).
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 5.0), dpi=160, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    full_cost = runs["always_frontier"].cost_usd
    ends = [runs["always_edge"], runs["always_frontier"]]
    axes.plot(
        [100 * end.cost_usd / full_cost for end in ends],
        [100 * end.accuracy for end in ends],
        linestyle="--",
        color="#b0a08a",
        zorder=1,
    )
    for name, run in runs.items():
        low, high = run.accuracy_interval
        x, y = 100 * run.cost_usd / full_cost, 100 * run.accuracy
        axes.errorbar(
            x,
            y,
            yerr=[[max(0.0, y - 100 * low)], [max(0.0, 100 * high - y)]],
            fmt="o",
            markersize=11 if name == "upshift" else 8,
            color=_COLOURS.get(name, "#888888"),
            capsize=3,
            zorder=2,
        )
        # Names keep off each other (Upshift and the mix cost the same), the dashed line, and the right edge.
        at_edge = x > 80
        axes.annotate(
            name.replace("_", " "),
            (x, y),
            xytext=(-9 if at_edge else 9, 7 if at_edge or name == "upshift" else -15),
            textcoords="offset points",
            horizontalalignment="right" if at_edge else "left",
        )
    axes.set_xlabel("cost, % of sending everything to the frontier")
    axes.set_ylabel("right answers, %")
    axes.set_xlim(left=-3, right=max(104.0, axes.get_xlim()[1]))
    count = runs["upshift"].request_count
    axes.set_title(f"Upshift on {count} fresh pocket requests, real engines", loc="left")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
