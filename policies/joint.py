"""What one tier's answer tells of the others: learnt parameters shared by the decisions.

Decides how a prediction moves once another tier has been seen, and how far an estimate may still
move when its own tier runs. Refuses to know prices, callers and how the parameters were fitted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import mul
from typing import Any, Self, TypeVar

import numpy as np

from policies.odds import Floats, logit, sigmoid

T = TypeVar("T", float, Floats)

NOTHING_SEEN = ""
"""Key of the covariance that holds before any tier has answered."""

CORROBORATION_COUNT = 5


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
class Corroborated:
    """The same where it is also known how far two answers agree: five weights on :func:`corroboration`."""

    intercept: float
    weights: tuple[float, ...]

    def predict(self, quality: float, confidence: float, agreement: float) -> float:
        """Return the updated probability in (0, 1); ``agreement`` in [0, 1]."""
        terms = corroboration(logit(quality), logit(confidence), agreement)
        return sigmoid(self.intercept + sum(map(mul, self.weights, terms)))


def corroboration(prior: T, evidence: T, agreement: T) -> tuple[T, ...]:
    """Inputs of :class:`Corroborated` from log-odds and an agreement, numbers or arrays.

    Another tier's confidence speaks for an answer that says the same and against one that does not,
    so the agreement counts by itself and by what it is agreed with.
    """
    centred = 2.0 * agreement - 1.0
    return prior, evidence, centred, centred * prior, centred * evidence


@dataclass(frozen=True, slots=True)
class Joint:
    """How the tiers hang together.

    ``conditionals`` by (tier seen, tier untried). ``covariances`` by the tier seen last
    (NOTHING_SEEN: none): (K, K) in the order of ``tiers``, of the movement of estimates,
    (confidence after it ran - prediction before) / sqrt(prediction (1 - prediction)). A tier
    whose confidence cannot be had never moves: its row is 0. ``revisions`` by (other tier, tier),
    both answered: a conditional whose prior is the tier's own confidence.

    ``corroborated_revisions``, likewise, hold where the agreement of the two is known, and
    ``corroborated_conditionals`` where that of the tier seen and the one before it is.
    """

    tiers: tuple[str, ...] = ()
    conditionals: Mapping[tuple[str, str], Conditional] = field(default_factory=dict)
    covariances: Mapping[str, Floats] = field(default_factory=dict)
    revisions: Mapping[tuple[str, str], Conditional] = field(default_factory=dict)
    corroborated_conditionals: Mapping[tuple[str, str], Corroborated] = field(default_factory=dict)
    corroborated_revisions: Mapping[tuple[str, str], Corroborated] = field(default_factory=dict)

    def quality_given(
        self, tier: str, quality: float, seen: str, confidence: float, agreement: float | None = None
    ) -> float:
        """Prediction for ``tier`` once ``seen`` has answered; unchanged where nothing was learnt.

        ``agreement`` in [0, 1] of what ``seen`` answered with the answer before it; None: not known.
        """
        corroborated = self.corroborated_conditionals.get((seen, tier))
        if corroborated is not None and agreement is not None:
            return corroborated.predict(quality, confidence, agreement)
        conditional = self.conditionals.get((seen, tier))
        return quality if conditional is None else conditional.predict(quality, confidence)

    def revised(
        self,
        tier: str,
        confidence: float,
        other: str,
        other_confidence: float,
        agreement: float | None = None,
    ) -> float:
        """Confidence in an answer once ``other`` has answered too; unchanged where nothing was learnt.

        The surer of two answers was picked for being sure, and so is too sure on average; a second
        tier's doubt says that the prompt is hard. ``agreement`` in [0, 1] of the two answers, None
        where it is not known, tells more than both confidences.
        """
        corroborated = self.corroborated_revisions.get((other, tier))
        if corroborated is not None and agreement is not None:
            return corroborated.predict(confidence, other_confidence, agreement)
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
            "corroborated_conditionals": _weight_rows(self.corroborated_conditionals),
            "corroborated_revisions": _weight_rows(self.corroborated_revisions),
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
        return cls(
            tiers,
            _by_pair(value["conditionals"]),
            covariances,
            _by_pair(value["revisions"]),
            _weights_by_pair(value.get("corroborated_conditionals", ())),
            _weights_by_pair(value.get("corroborated_revisions", ())),
        )


def _rows(models: Mapping[tuple[str, str], Conditional]) -> list[list[Any]]:
    return [
        [seen, tier, model.intercept, model.prior_weight, model.confidence_weight]
        for (seen, tier), model in sorted(models.items())
    ]


def _by_pair(rows: Sequence[Sequence[Any]]) -> dict[tuple[str, str], Conditional]:
    return {(seen, tier): Conditional(*map(float, weights)) for seen, tier, *weights in rows}


def _weight_rows(models: Mapping[tuple[str, str], Corroborated]) -> list[list[Any]]:
    return [[seen, tier, model.intercept, *model.weights] for (seen, tier), model in sorted(models.items())]


def _weights_by_pair(rows: Sequence[Sequence[Any]]) -> dict[tuple[str, str], Corroborated]:
    found = {
        (seen, tier): Corroborated(float(intercept), tuple(map(float, weights)))
        for seen, tier, intercept, *weights in rows
    }
    if any(len(model.weights) != CORROBORATION_COUNT for model in found.values()):
        raise ValueError(
            f"agreement has {CORROBORATION_COUNT} weights a pair of tiers; fit the artefact again"
        )
    return found


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
