"""The policies that are compared, each at every setting of its one knob.

Decides which settings are tried: all fixed beforehand, none taken from the records that judge.
Every path begins with the cheapest tier alone and ends with the dearest alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from policies.base import Policy
from policies.cascade_routing import CascadeRouting, CascadeRoutingOptions
from policies.odds import Floats
from policies.replay import replay
from policies.threshold import Threshold, ThresholdOptions
from router.evaluate.scored import Scored

_PRICES = np.geomspace(0.003, 100.0, 60)
"""Prices of the dearest call in units of quality, for policies that a table decides."""
_VALUES = np.geomspace(0.3, 100.0, 18)
"""Values of a right answer in dearest calls."""
_THRESHOLDS = 1.0 / (1.0 + np.exp(-np.linspace(-3.5, 3.5, 21)))
_LENGTH_BIN_COUNT = 12
_SHARE_COUNT = 9
_PRIOR_COUNT = 10.0
"""Records' worth of the overall mean that each bin of lengths is pulled to."""


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """What each record cost and got at each setting, both float64 (rows, settings)."""

    costs: Floats
    qualities: Floats


def always_k(scored: Scored) -> Path:
    """One tier for all prompts, each tier a setting."""
    tiers = range(len(scored.problem.tiers))
    return _path(scored, [np.full(len(scored.rows), tier) for tier in tiers])


def random_mix(scored: Scored) -> Path:
    """Two neighbours on the hull of single tiers, drawn by the request's own number."""
    problem, draws = scored.problem, np.array([view.draw for view in scored.views])
    corners = _corners(scored.expected_costs, problem.qualities[scored.fit_rows].mean(axis=0))
    return _path(
        scored,
        [
            np.where(draws < share, dear, cheap)
            for cheap, dear in pairwise(corners)
            for share in np.linspace(0.0, 1.0, _SHARE_COUNT)
        ],
    )


def _corners(costs: Floats, qualities: Floats) -> list[int]:
    """Places of the tiers on the upper hull from the cheapest to the dearest, as the fitted rows tell it."""
    corners: list[int] = []
    for place in np.argsort(costs, kind="stable").tolist():
        while len(corners) > 1 and not _is_above(corners[-2], corners[-1], place, costs, qualities):
            corners.pop()
        corners.append(place)
    return corners


def _is_above(left: int, middle: int, right: int, costs: Floats, qualities: Floats) -> bool:
    width, rise = costs[right] - costs[left], qualities[right] - qualities[left]
    return bool((qualities[middle] - qualities[left]) * width > rise * (costs[middle] - costs[left]))


def routing(scored: Scored) -> Path:
    """One tier a prompt: the best predicted quality less its price."""
    return _routed(scored, scored.predicted)


def prompt_length(scored: Scored) -> Path:
    """The same with nothing known of a prompt but its length."""
    problem = scored.problem
    lengths = np.log1p([len(record.prompt.text) for record in problem.records])
    edges = np.quantile(lengths[scored.fit_rows], np.linspace(0.0, 1.0, _LENGTH_BIN_COUNT + 1)[1:-1])
    bins = np.searchsorted(edges, lengths)
    fitted, qualities = bins[scored.fit_rows], problem.qualities[scored.fit_rows]
    prior = qualities.mean(axis=0)
    table = np.array(
        [
            (qualities[fitted == place].sum(axis=0) + _PRIOR_COUNT * prior)
            / ((fitted == place).sum() + _PRIOR_COUNT)
            for place in range(_LENGTH_BIN_COUNT)
        ]
    )
    return _routed(scored, table[bins[scored.rows]])


def oracle(scored: Scored) -> Path:
    """The bound: one tier a prompt, chosen by the true qualities and costs."""
    problem = scored.problem
    costs, qualities = problem.costs[scored.rows], problem.qualities[scored.rows]
    dearest = float(scored.expected_costs.max())
    choices = [np.argmax(qualities - price / dearest * costs, axis=1) for price in _PRICES]
    return _path(scored, choices)


def threshold_cascade(scored: Scored) -> Path:
    """Up the ladder while confidence stays below a threshold."""
    return _replayed(
        scored,
        (
            Threshold(ThresholdOptions(min_confidence=float(level)), scored.learnt.joint)
            for level in _THRESHOLDS
        ),
    )


def cascade_routing(scored: Scored) -> Path:
    """Skip, climb and stop by what a right answer is worth."""
    dearest = float(scored.expected_costs.max())
    return _replayed(scored, (valued(scored, value * dearest) for value in _VALUES))


def valued(scored: Scored, value: float) -> CascadeRouting:
    """Cascade routing for a right answer worth ``value`` in units of cost."""
    return CascadeRouting(CascadeRoutingOptions(value_of_correct_usd=value), scored.learnt.joint)


CONTENDERS: dict[str, Callable[[Scored], Path]] = {
    "always_k": always_k,
    "random_mix": random_mix,
    "prompt_length": prompt_length,
    "routing": routing,
    "threshold_cascade": threshold_cascade,
    "cascade_routing": cascade_routing,
    "oracle": oracle,
}


def _routed(scored: Scored, predicted: Floats) -> Path:
    costs = scored.expected_costs
    return _path(scored, [np.argmax(predicted - price / costs.max() * costs, axis=1) for price in _PRICES])


def _path(scored: Scored, choices: Iterable[NDArray[np.intp]]) -> Path:
    problem, rows = scored.problem, np.arange(len(scored.rows))
    costs, qualities = problem.costs[scored.rows], problem.qualities[scored.rows]
    points = [(costs[rows, chosen], qualities[rows, chosen]) for chosen in choices]
    return _between_ends(scored, points)


def _replayed(scored: Scored, policies: Iterable[Policy]) -> Path:
    costs, qualities = scored.table()
    expected = scored.expected_usd_micros
    runs = (replay(policy, scored.views, expected) for policy in policies)
    return _between_ends(scored, [(run.costs(costs), run.qualities(qualities)) for run in runs])


def _between_ends(scored: Scored, points: list[tuple[Floats, Floats]]) -> Path:
    problem = scored.problem
    costs, qualities = problem.costs[scored.rows], problem.qualities[scored.rows]
    ends = [(costs[:, place], qualities[:, place]) for place in (0, -1)]
    joined = [ends[0], *points, ends[1]]
    return Path(np.column_stack([cost for cost, _ in joined]), np.column_stack([got for _, got in joined]))
