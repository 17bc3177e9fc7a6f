"""Quality against cost: the area under a policy's curve, and under the hull of single tiers.

The area runs from the cheapest to the dearest single tier and is divided by that width, so that it
is a mean quality. Between two points the curve is a straight line, what mixing them at random would
give; the hull is the best that can be had by mixing tiers without looking at the prompt.
"""

from __future__ import annotations

import numpy as np

from policies.bootstrap import Measure
from policies.odds import Floats


def curve_area_of(costs: Floats, qualities: Floats, tier_costs: Floats, tier_qualities: Floats) -> Measure:
    """Area of a curve whose points are settings of one knob.

    ``costs`` and ``qualities`` (n, settings) are what each record cost and got at each setting;
    ``tier_costs`` and ``tier_qualities`` (n, tiers) the same of the single tiers, whose cheapest
    and dearest end the curve. Settings dearer than the dearest tier count as that tier.
    """

    def measure(weights: Floats) -> Floats:
        _, ends = _singles(weights, tier_costs, tier_qualities)
        total = weights.sum(axis=1, keepdims=True)
        points = np.stack([weights @ costs, weights @ qualities], axis=2) / total[:, :, None]
        low, high = ends[:, :1, :], ends[:, 1:, :]
        points = np.where(points[:, :, :1] > high[:, :, :1], high, points)
        points = np.where(points[:, :, :1] < low[:, :, :1], low, points)
        return _area(np.concatenate([points, ends], axis=1))

    return measure


def hull_area_of(tier_costs: Floats, tier_qualities: Floats) -> Measure:
    """Area of the upper convex hull of the single tiers (n, tiers), by the same rule."""

    def measure(weights: Floats) -> Floats:
        singles, ends = _singles(weights, tier_costs, tier_qualities)
        return _area(np.concatenate([_hull(singles, ends), ends], axis=1))

    return measure


def _singles(weights: Floats, costs: Floats, qualities: Floats) -> tuple[Floats, Floats]:
    """Mean (cost, quality) of the tiers, (resamples, tiers, 2), and of the cheapest and dearest."""
    total = weights.sum(axis=1, keepdims=True)
    singles = np.stack([weights @ costs, weights @ qualities], axis=2) / total[:, :, None]
    rows = np.arange(len(weights))
    cheapest, dearest = singles[:, :, 0].argmin(axis=1), singles[:, :, 0].argmax(axis=1)
    return singles, np.stack([singles[rows, cheapest], singles[rows, dearest]], axis=1)


def _hull(singles: Floats, ends: Floats) -> Floats:
    """Raise each tier onto the hull: the best line between two of them, at its own cost.

    Every corner of the hull is a tier, so these points have all of it.
    """
    cost, quality = singles[:, :, 0], singles[:, :, 1]
    left, right, here = cost[:, :, None, None], cost[:, None, :, None], cost[:, None, None, :]
    between = (left <= here) & (here <= right)
    width = np.where(right > left, right - left, 1.0)
    share = np.where(right > left, (here - left) / width, 1.0)
    line = quality[:, :, None, None] * (1.0 - share) + quality[:, None, :, None] * share
    best = np.where(between, line, -np.inf).max(axis=(1, 2))
    # At the ends of the range no tier may stand in for the one that ends it.
    at_end = (cost <= ends[:, :1, 0]) | (cost >= ends[:, 1:, 0])
    return np.stack([cost, np.where(at_end, quality, np.maximum(best, quality))], axis=2)


def _area(points: Floats) -> Floats:
    """Trapezoids over points (resamples, points, 2) sorted by cost, divided by the width; NaN for none."""
    order = np.argsort(points[:, :, 0], axis=1, kind="stable")
    cost = np.take_along_axis(points[:, :, 0], order, axis=1)
    quality = np.take_along_axis(points[:, :, 1], order, axis=1)
    area = (np.diff(cost, axis=1) * (quality[:, 1:] + quality[:, :-1]) / 2.0).sum(axis=1)
    width = cost[:, -1] - cost[:, 0]
    return np.asarray(np.where(width > 0.0, area / np.where(width > 0.0, width, 1.0), np.nan))
