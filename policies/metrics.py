"""How good a probability is: ranking, sharpness and calibration, in numpy alone."""

from __future__ import annotations

import numpy as np

from policies.odds import Floats


def auroc(scores: Floats, labels: Floats) -> float | None:
    """Probability that a right answer scores above a wrong one, ties counting half.

    ``labels`` of 0.5 and more are right. None where all are right or all wrong.
    """
    right = labels >= 0.5
    right_count, wrong_count = int(right.sum()), int((~right).sum())
    if not right_count or not wrong_count:
        return None
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2.0)[place]
    return float((ranks[right].sum() - right_count * (right_count + 1) / 2.0) / (right_count * wrong_count))


def brier(probabilities: Floats, labels: Floats) -> float:
    """Mean squared error of the probabilities; 0 is perfect, 0.25 what a coin gives."""
    return float(np.mean((probabilities - labels) ** 2))


def adaptive_ece(probabilities: Floats, labels: Floats, bin_count: int = 15) -> float:
    """Return the expected calibration error over bins of equal mass: mean |confidence - share right|.

    At most ``bin_count`` bins, none of fewer than about ten labels. (Nguyen and O'Connor 2015.)
    """
    order = np.argsort(probabilities, kind="stable")
    bins = np.array_split(order, max(1, min(bin_count, len(order) // 10)))
    gaps = [len(rows) * abs(float(np.mean(probabilities[rows] - labels[rows]))) for rows in bins]
    return sum(gaps) / len(order)
