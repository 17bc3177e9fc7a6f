"""Made-up traffic of which everything is known: three tiers, and scores of a chosen sharpness.

Tiers are right on 60, 78 and 90 % of requests and cost .02, .10 and 1. Whether they are right hangs
together by the request's difficulty; a tier's score is normal, and shifted where it is right.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from policies.odds import Floats, sigmoids

RIGHT = (0.60, 0.78, 0.90)
COSTS = (0.02, 0.10, 1.00)
TOP_COST = COSTS[-1]
_SHARED = 0.67
"""Share of the variance of being right that is the request's own difficulty."""
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Traffic:
    """Requests: who is right, bool (n, 3), and scores of the two lower tiers, (n, 2)."""

    right: Bools
    scores: Floats

    def rows(self, places: NDArray[np.int64]) -> Traffic:
        """Return some of the requests."""
        return Traffic(self.right[places], self.scores[places])


def traffic(count: int, auroc: float, rng: np.random.Generator) -> Traffic:
    """Draw requests; each score ranks a right answer above a wrong one with probability ``auroc``."""
    difficulty = np.sqrt(_SHARED) * rng.normal(size=(count, 1))
    own = np.sqrt(1.0 - _SHARED) * rng.normal(size=(count, 3))
    right = difficulty + own < np.array([NormalDist().inv_cdf(share) for share in RIGHT])
    shift = np.sqrt(2.0) * NormalDist().inv_cdf(auroc)
    return Traffic(right, shift * right[:, :2] + rng.normal(size=(count, 2)))


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """P(right | score) of the two lower tiers, logistic: slopes and intercepts, (2,)."""

    slopes: Floats
    intercepts: Floats

    @classmethod
    def fit(cls, labelled: Traffic) -> Calibration:
        """Fit by Newton's method; six steps settle it."""
        weights = np.zeros((2, 2))
        for tier in range(2):
            inputs = np.column_stack((labelled.scores[:, tier], np.ones(len(labelled.right))))
            for _ in range(6):
                predicted = sigmoids(inputs @ weights[tier])
                curvature = (inputs * (predicted * (1.0 - predicted))[:, None]).T @ inputs
                gradient = inputs.T @ (labelled.right[:, tier] - predicted)
                weights[tier] += np.linalg.solve(curvature + 1e-6 * np.eye(2), gradient)
        return cls(weights[:, 0], weights[:, 1])

    def confidence(self, scores: Floats) -> Floats:
        """Confidences (n, 2)."""
        return sigmoids(scores * self.slopes + self.intercepts)


def outcomes(seen: Traffic, confidence: Floats, thresholds: Floats) -> tuple[Floats, Floats]:
    """Losses and costs (n, thresholds) of cascades that accept an answer at a confidence."""
    first = confidence[:, :1] >= thresholds
    second = ~first & (confidence[:, 1:] >= thresholds)
    top = ~first & ~second
    right = seen.right.astype(np.float64)
    served = first * right[:, :1] + second * right[:, 1:2] + top * right[:, 2:]
    cost = COSTS[0] + ~first * COSTS[1] + top * COSTS[2]
    return right[:, 2:] - served, cost
