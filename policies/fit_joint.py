"""Fits what one tier's answer tells of the others; nothing that serves imports this file."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from policies.fit_logistic import fit_logistic
from policies.joint import NOTHING_SEEN, Conditional, Joint
from policies.odds import Floats, logits, sigmoids

MIN_PAIRS = 50
"""Prompts that both tiers must have answered before one is taken to tell of the other."""


def fit_joint(tiers: Sequence[str], predicted: Floats, confidences: Floats, qualities: Floats) -> Joint:
    """Fit conditionals and covariances from out-of-fold scores, all float64 (n, tiers).

    ``predicted`` qualities; ``confidences`` NaN where the tier did not run or has none; grades
    ``qualities`` NaN where it did not run.
    """
    conditionals = {}
    revisions = {}
    covariances = {NOTHING_SEEN: _covariance(predicted, confidences)}
    for seen, seen_tier in enumerate(tiers):
        updated = predicted.copy()
        for target, target_tier in enumerate(tiers):
            if target == seen:
                continue
            evidence, right = confidences[:, seen], qualities[:, target]
            if (conditional := _conditional(predicted[:, target], evidence, right)) is not None:
                conditionals[seen_tier, target_tier] = conditional
                updated[:, target] = _apply(conditional, predicted[:, target], evidence)
            if (revision := _conditional(confidences[:, target], evidence, right)) is not None:
                revisions[seen_tier, target_tier] = revision
        rows = ~np.isnan(confidences[:, seen])
        if rows.sum() >= MIN_PAIRS:
            covariances[seen_tier] = _covariance(updated[rows], confidences[rows])
    return Joint(tuple(tiers), conditionals, covariances, revisions)


def _conditional(prior: Floats, evidence: Floats, qualities: Floats) -> Conditional | None:
    both = ~np.isnan(prior) & ~np.isnan(evidence) & ~np.isnan(qualities)
    if both.sum() < MIN_PAIRS:
        return None
    inputs = np.column_stack([logits(prior[both]), logits(evidence[both])])
    model = fit_logistic(inputs, qualities[both], strength=1.0)
    return Conditional(model.intercept, float(model.weights[0]), float(model.weights[1]))


def _apply(conditional: Conditional, predicted: Floats, confidences: Floats) -> Floats:
    """:meth:`Conditional.predict` of every element."""
    return sigmoids(
        conditional.intercept
        + conditional.prior_weight * logits(predicted)
        + conditional.confidence_weight * logits(confidences)
    )


def _covariance(predicted: Floats, confidences: Floats) -> Floats:
    """Second moments of the estimates' movements, pair by pair over prompts that have both.

    Around 0 and not around their mean: a prediction that is off in the mean is uncertain, too.
    """
    bounded = np.clip(predicted, 0.01, 0.99)
    movement = (confidences - bounded) / np.sqrt(bounded * (1.0 - bounded))
    known = ~np.isnan(movement)
    counts = known.T.astype(np.float64) @ known
    filled = np.where(known, movement, 0.0)
    return np.where(counts >= MIN_PAIRS, filled.T @ filled / np.maximum(counts, 1.0), 0.0)
