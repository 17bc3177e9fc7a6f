"""Venn-Abers prediction: two isotonic fits a score, one for each answer that it might turn out to be.

Vovk, Petej: Venn-Abers Predictors, UAI 2014. The package of that name takes labels of 0 and 1 only
and brings pandas along; here they may be grades, and the result is a curve to keep and serve.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import isotonic_regression

from policies.odds import Floats

_POINT_COUNT = 64
"""Scores at which the curve is worked out, at equal shares of the labels."""
_BIN_COUNT = 512
"""Labels of neighbouring scores are joined to so many; bins so small move no curve."""


def venn_abers_curve(scores: Floats, labels: Floats) -> tuple[Floats, Floats]:
    """Fit to scores (n,) and labels (n,) in [0, 1]: rising points, and probabilities at them.

    Of the interval [p0, p1] of a score the probability p1 / (1 - p0 + p1) is taken, which loses
    least at worst in log loss (Vovk and Petej, section 4).
    """
    points = np.unique(np.quantile(scores, np.linspace(0.0, 1.0, _POINT_COUNT)))
    places, means, counts = _binned(scores, labels)
    pairs = [
        (_fitted(places, means, counts, point, 0.0), _fitted(places, means, counts, point, 1.0))
        for point in points
    ]
    low, high = np.array(pairs).T
    return points, np.maximum.accumulate(high / (1.0 - low + high))


def _binned(scores: Floats, labels: Floats) -> tuple[Floats, Floats, Floats]:
    """Lowest score, mean label and count of at most _BIN_COUNT runs; equal scores are never parted."""
    levels, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    run = np.arange(len(counts)) * min(_BIN_COUNT, len(counts)) // len(counts)
    runs = run[place]
    sizes = np.bincount(runs).astype(np.float64)
    lowest = levels[np.searchsorted(run, np.arange(len(sizes)))]
    return lowest, np.bincount(runs, labels) / sizes, sizes


def _fitted(places: Floats, means: Floats, counts: Floats, point: float, label: float) -> float:
    """Value at ``point`` of the isotonic regression on all runs and (point, label)."""
    place = int(np.searchsorted(places, point))
    tied = place < len(places) and places[place] == point
    if tied:  # equal scores have one value
        total = counts[place] + 1.0
        values = means.copy()
        values[place] = (means[place] * counts[place] + label) / total
        weights = counts.copy()
        weights[place] = total
    else:
        values, weights = np.insert(means, place, label), np.insert(counts, place, 1.0)
    return float(isotonic_regression(values, weights=weights).x[place])
