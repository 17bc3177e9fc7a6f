"""What one tier's answer tells of the others: learnt parameters shared by the decisions.

Decides how a prediction moves once another tier has been seen, and how far an estimate may still
move when its own tier runs. Refuses to know prices, callers and how the parameters were fitted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from policies.odds import Floats, logit, sigmoid

NOTHING_SEEN = ""
"""Key of the covariance that holds before any tier has answered."""


@dataclass(frozen=True, slots=True)
class Conditional:
    """P(target is right | its prediction, the confidence of the tier seen), a logistic model.

    sigmoid(intercept + prior_weight * logit(prediction) + confidence_weight * logit(confidence)).
    """

    intercept: float
    prior_weight: float
    confidence_weight: float

    def predict(self, quality: float, confidence: float) -> float:
        """Return the updated probability in (0, 1)."""
        return sigmoid(
            self.intercept + self.prior_weight * logit(quality) + self.confidence_weight * logit(confidence)
        )


@dataclass(frozen=True, slots=True)
class Joint:
    """How the tiers hang together.

    ``conditionals`` by (tier seen, tier untried). ``covariances`` by the tier seen last
    (NOTHING_SEEN: none): (K, K) in the order of ``tiers``, of the movement of estimates,
    (confidence after it ran - prediction before) / sqrt(prediction (1 - prediction)). A tier
    whose confidence cannot be had never moves: its row is 0. ``revisions`` by (other tier, tier),
    both answered: a conditional whose prior is the tier's own confidence.
    """

    tiers: tuple[str, ...] = ()
    conditionals: Mapping[tuple[str, str], Conditional] = field(default_factory=dict)
    covariances: Mapping[str, Floats] = field(default_factory=dict)
    revisions: Mapping[tuple[str, str], Conditional] = field(default_factory=dict)

    def quality_given(self, tier: str, quality: float, seen: str, confidence: float) -> float:
        """Prediction for ``tier`` once ``seen`` has answered; unchanged where nothing was learnt."""
        conditional = self.conditionals.get((seen, tier))
        return quality if conditional is None else conditional.predict(quality, confidence)

    def revised(self, tier: str, confidence: float, other: str, other_confidence: float) -> float:
        """Confidence in an answer once ``other`` has answered too; unchanged where nothing was learnt.

        The surer of two answers was picked for being sure, and so is too sure on average; a second
        tier's doubt says that the prompt is hard.
        """
        revision = self.revisions.get((other, tier))
        return confidence if revision is None else revision.predict(confidence, other_confidence)

    def movement(self, tiers: Sequence[str], seen: str = NOTHING_SEEN) -> Floats:
        """Factor L, float64 (n, n), with L L^T the covariance of ``tiers``; 0 where unknown."""
        learnt = self.covariances.get(seen, self.covariances.get(NOTHING_SEEN))
        places = [self.tiers.index(tier) if tier in self.tiers else None for tier in tiers]
        covariance = np.zeros((len(tiers), len(tiers)))
        if learnt is None:
            return covariance
        for row, first in enumerate(places):
            for column, second in enumerate(places):
                if first is not None and second is not None:
                    covariance[row, column] = learnt[first, second]
        return _factor(covariance)

    def to_json(self) -> dict[str, Any]:
        """Plain values that :meth:`from_json` reads back unchanged."""
        return {
            "tiers": list(self.tiers),
            "conditionals": _rows(self.conditionals),
            "revisions": _rows(self.revisions),
            "covariances": {seen: matrix.tolist() for seen, matrix in sorted(self.covariances.items())},
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` wrote; KeyError, TypeError or ValueError on anything else."""
        tiers = tuple(value["tiers"])
        covariances = {
            seen: np.asarray(rows, dtype=np.float64).reshape(len(tiers), len(tiers))
            for seen, rows in value["covariances"].items()
        }
        return cls(tiers, _by_pair(value["conditionals"]), covariances, _by_pair(value["revisions"]))


def _rows(models: Mapping[tuple[str, str], Conditional]) -> list[list[Any]]:
    return [
        [seen, tier, model.intercept, model.prior_weight, model.confidence_weight]
        for (seen, tier), model in sorted(models.items())
    ]


def _by_pair(rows: Sequence[Sequence[Any]]) -> dict[tuple[str, str], Conditional]:
    return {(seen, tier): Conditional(*map(float, weights)) for seen, tier, *weights in rows}


def _factor(covariance: Floats) -> Floats:
    """Return a lower factor of a covariance; negative remainders count as 0.

    Pairs are estimated on different prompts, so the matrix need not be positive definite;
    numpy's Cholesky would refuse it. For the two to six tiers of a ladder a loop is as fast.
    """
    size = len(covariance)
    factor = np.zeros_like(covariance)
    for column in range(size):
        rest = covariance[column, column] - float(factor[column, :column] @ factor[column, :column])
        pivot = math.sqrt(max(rest, 0.0))
        if pivot < 1e-6:
            continue
        factor[column, column] = pivot
        for row in range(column + 1, size):
            shared = float(factor[row, :column] @ factor[column, :column])
            factor[row, column] = (covariance[row, column] - shared) / pivot
    return factor
