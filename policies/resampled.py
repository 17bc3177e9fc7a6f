"""The metrics of ``policies.metrics`` and those of routing, as functions of weights on the records.

Each takes what is fixed and gives a :data:`policies.bootstrap.Measure`. Equal scores are one step:
what they hide is not told apart by the order of the records.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from policies.bootstrap import Measure
from policies.odds import Floats

Places = NDArray[np.intp]


def mean_of(values: Floats) -> Measure:
    """Weighted mean of ``values`` (n,)."""
    return lambda weights: (weights @ values) / weights.sum(axis=1)


def ratio_of(above: Floats, below: Floats) -> Measure:
    """Mean of ``above`` over mean of ``below``, both (n,)."""
    return lambda weights: (weights @ above) / (weights @ below)


def brier_of(probabilities: Floats, labels: Floats) -> Measure:
    """Mean squared error of probabilities."""
    return mean_of((probabilities - labels) ** 2)


def adaptive_ece_of(probabilities: Floats, labels: Floats, bin_count: int = 15) -> Measure:
    """Calibration error over bins of equal mass; the bins are those of the whole sample."""
    order = np.argsort(probabilities, kind="stable")
    bins = np.array_split(order, max(1, min(bin_count, len(order) // 10)))
    starts = np.cumsum([0, *(len(rows) for rows in bins[:-1])])
    gaps = (probabilities - labels)[order]

    def measure(weights: Floats) -> Floats:
        sums = np.add.reduceat(weights[:, order] * gaps, starts, axis=1)
        return np.asarray(np.abs(sums).sum(axis=1) / weights.sum(axis=1))

    return measure


def auroc_of(scores: Floats, labels: Floats) -> Measure:
    """Probability that a record with ``labels`` >= 0.5 scores above one without; ties count half."""
    order, starts = _steps(scores)
    right = (labels >= 0.5)[order]

    def measure(weights: Floats) -> Floats:
        ordered = weights[:, order]
        rights = np.add.reduceat(ordered * right, starts, axis=1)
        wrongs = np.add.reduceat(ordered * ~right, starts, axis=1)
        below = np.cumsum(wrongs, axis=1) - 0.5 * wrongs
        with np.errstate(invalid="ignore"):
            return np.asarray((rights * below).sum(axis=1) / (rights.sum(axis=1) * wrongs.sum(axis=1)))

    return measure


def aurc_of(confidences: Floats, qualities: Floats) -> Measure:
    """Area under risk against coverage, the surest answers first; lower is better.

    Geifman, Uziel, El-Yaniv: Bias-Reduced Uncertainty Estimation for Deep Neural Classifiers, ICLR
    2019, section 2. The risk at a coverage is the mean of 1 - quality of the answers kept.
    """
    order, starts = _steps(-confidences)
    losses = (1.0 - qualities)[order]

    def measure(weights: Floats) -> Floats:
        ordered = weights[:, order]
        mass = np.add.reduceat(ordered, starts, axis=1)
        lost = np.add.reduceat(ordered * losses, starts, axis=1)
        kept = np.cumsum(mass, axis=1)
        risk = np.cumsum(lost, axis=1) / np.maximum(kept, 1e-12)
        return np.asarray((mass * risk).sum(axis=1) / kept[:, -1])

    return measure


def apgr_of(scores: Floats, weak: Floats, strong: Floats) -> Measure:
    """Average performance gap recovered when the records of highest ``scores`` go to the strong tier.

    Ong et al., RouteLLM, 2024, section 3.3: (area under quality against the share of strong calls -
    weak quality) / (strong quality - weak quality); 0.5 for scores that say nothing. NaN where
    strong is no better than weak.
    """
    order, starts = _steps(-scores)
    gains = (strong - weak)[order]

    def measure(weights: Floats) -> Floats:
        share, gained = _recovered(weights[:, order], gains, starts)
        total = gained[:, -1]
        area = (np.diff(share, axis=1) * (gained[:, 1:] + gained[:, :-1]) / 2.0).sum(axis=1)
        return np.asarray(np.where(total > 0.0, area / np.where(total > 0.0, total, 1.0), np.nan))

    return measure


def cpt_of(scores: Floats, weak: Floats, strong: Floats, level: float) -> Measure:
    """Smallest share of strong calls that recovers ``level`` of the gap: the first crossing.

    RouteLLM's call-performance threshold. Between two scores the gap closes linearly, as by calling
    the strong tier for a random part of the equal ones.
    """
    order, starts = _steps(-scores)
    gains = (strong - weak)[order]

    def measure(weights: Floats) -> Floats:
        share, gained = _recovered(weights[:, order], gains, starts)
        total = gained[:, -1]
        wanted = level * total
        after = np.argmax(gained >= wanted[:, None] - 1e-12, axis=1)
        rows = np.arange(len(share))
        before = np.maximum(after - 1, 0)
        width = gained[rows, after] - gained[rows, before]
        part = np.where(width > 0.0, (wanted - gained[rows, before]) / np.where(width > 0.0, width, 1.0), 0.0)
        crossing = share[rows, before] + part * (share[rows, after] - share[rows, before])
        return np.asarray(np.where(total > 0.0, crossing, np.nan))

    return measure


def _recovered(weights: Floats, gains: Floats, starts: Places) -> tuple[Floats, Floats]:
    """Share of strong calls and mean gain after each step, both (resamples, 1 + steps), from (0, 0)."""
    total = weights.sum(axis=1, keepdims=True)
    share = np.cumsum(np.add.reduceat(weights, starts, axis=1), axis=1) / total
    gained = np.cumsum(np.add.reduceat(weights * gains, starts, axis=1), axis=1) / total
    origin = np.zeros((len(weights), 1))
    return np.hstack([origin, share]), np.hstack([origin, gained])


def _steps(scores: Floats) -> tuple[Places, Places]:
    """Order of ascending scores, and where in it each new score begins."""
    order = np.argsort(scores, kind="stable")
    ordered = scores[order]
    return order, np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
