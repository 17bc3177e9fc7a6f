"""An evaluation as a picture: quality against cost, one line a policy. Needs the extra ``plot``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from router.evaluate.evaluation import Evaluation
from router.evaluate.problem import EvaluationError

_COLOURS = ("#bbbbbb", "#888888", "#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377")


def draw(evaluation: Evaluation, path: Path) -> None:
    """Write the picture to ``path``, its kind by the name's ending.

    Raises EvaluationError where matplotlib is not there or cannot write that kind.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as exc:
        raise EvaluationError(
            "a picture needs matplotlib; install the extra: pip install 'upshift[plot]'"
        ) from exc
    figure = Figure(figsize=(7.5, 5.0), layout="constrained")
    FigureCanvasAgg(figure)
    _fill(figure.add_subplot(), evaluation)
    try:
        figure.savefig(path, dpi=160)
    except ValueError as exc:
        raise EvaluationError(f"{path}: {exc}") from exc


def _fill(axes: Any, evaluation: Evaluation) -> None:
    costs = [figures.cost.value or 0.0 for figures in evaluation.tiers.values()]
    qualities = [figures.quality.value or 0.0 for figures in evaluation.tiers.values()]
    for colour, (name, figures) in zip(_COLOURS, evaluation.policies.items(), strict=False):
        points = sorted(point for point in figures.curve if point[0] <= max(costs))
        axes.plot(*zip(*points, strict=True), label=name.replace("_", " "), color=colour, linewidth=1.6)
    axes.scatter(costs, qualities, color="black", zorder=3)
    for tier, cost, quality in zip(evaluation.tiers, costs, qualities, strict=True):
        axes.annotate(tier, (cost, quality), textcoords="offset points", xytext=(5, -11), fontsize=8)
    axes.set(xlabel="mean cost of a request", ylabel="mean quality")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
