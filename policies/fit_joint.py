"""Fits what one tier's answer tells of the others; nothing that serves imports this file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from policies.fit_logistic import fit_logistic
from policies.joint import NOTHING_SEEN, Conditional, Corroborated, Joint, corroboration
from policies.logistic import Logistic
from policies.odds import Floats, logits, sigmoids

MIN_PAIRS = 50
"""Prompts that both tiers must have answered before one is taken to tell of the other."""


def fit_joint(
    tiers: Sequence[str],
    predicted: Floats,
    confidences: Floats,
    qualities: Floats,
    agreements: Floats | None = None,
) -> Joint:
    """Fit conditionals and covariances from out-of-fold scores, all float64 (n, tiers).

    ``predicted`` qualities; ``confidences`` NaN where the tier did not run or has none; grades
    ``qualities`` NaN where it did not run. ``agreements`` (n, tiers, tiers) of the answers, NaN
    where not known; None: none is.
    """
    if agreements is None:
        agreements = np.full((*predicted.shape, len(tiers)), np.nan)
    fit = _Fit(tuple(tiers), predicted, confidences, qualities, agreements)
    for seen in range(len(tiers)):
        fit.see(seen)
    return Joint(
        fit.tiers,
        fit.conditionals,
        {NOTHING_SEEN: _covariance(predicted, confidences), **fit.covariances},
        fit.revisions,
        fit.corroborated_conditionals,
        fit.corroborated_revisions,
    )


@dataclass(slots=True, eq=False)
class _Fit:
    """All scores, and what has been fitted to them by pair of tiers so far."""

    tiers: tuple[str, ...]
    predicted: Floats
    confidences: Floats
    qualities: Floats
    agreements: Floats
    conditionals: dict[tuple[str, str], Conditional] = field(default_factory=dict)
    revisions: dict[tuple[str, str], Conditional] = field(default_factory=dict)
    corroborated_conditionals: dict[tuple[str, str], Corroborated] = field(default_factory=dict)
    corroborated_revisions: dict[tuple[str, str], Corroborated] = field(default_factory=dict)
    covariances: dict[str, Floats] = field(default_factory=dict)

    def see(self, seen: int) -> None:
        """Fit what the tier at place ``seen`` tells of each other one, and how far these then still move."""
        updated, revised = self.predicted.copy(), self.confidences.copy()
        for target in range(len(self.tiers)):
            if target != seen:
                self._expect(seen, target, updated)
                self._revise(seen, target, revised)
        rows = ~np.isnan(self.confidences[:, seen])
        if rows.sum() >= MIN_PAIRS:
            self.covariances[self.tiers[seen]] = _covariance(updated[rows], revised[rows])

    def _expect(self, seen: int, target: int, updated: Floats) -> None:
        """Fit what is expected of ``target`` before it runs; its column of ``updated`` follows."""
        prior, evidence = self.predicted[:, target], self.confidences[:, seen]
        right, key = self.qualities[:, target], (self.tiers[seen], self.tiers[target])
        model = _fitted(np.column_stack([logits(prior), logits(evidence)]), right)
        if model is not None:
            self.conditionals[key] = Conditional(model.intercept, *map(float, model.weights))
            updated[:, target] = sigmoids(model.log_odds(np.column_stack([logits(prior), logits(evidence)])))
        if seen:  # with whom the one before it agreed
            model = _fitted(_corroboration(prior, evidence, self.agreements[:, seen, seen - 1]), right)
            if model is not None and seen - 1 != target:
                weights = tuple(map(float, model.weights))
                self.corroborated_conditionals[key] = Corroborated(model.intercept, weights)

    def _revise(self, seen: int, target: int, revised: Floats) -> None:
        """Fit what is left of the confidence in ``target``'s answer; its column of ``revised`` follows."""
        prior, evidence = self.confidences[:, target], self.confidences[:, seen]
        right, key = self.qualities[:, target], (self.tiers[seen], self.tiers[target])
        inputs = np.column_stack([logits(prior), logits(evidence)])
        if (model := _fitted(inputs, right)) is not None:
            self.revisions[key] = Conditional(model.intercept, *map(float, model.weights))
            revised[:, target] = sigmoids(model.log_odds(inputs))
        inputs = _corroboration(prior, evidence, self.agreements[:, seen, target])
        if (model := _fitted(inputs, right)) is not None:
            self.corroborated_revisions[key] = Corroborated(model.intercept, tuple(map(float, model.weights)))
            known = ~np.isnan(inputs).any(axis=1)
            revised[known, target] = sigmoids(model.log_odds(inputs[known]))


def _corroboration(prior: Floats, evidence: Floats, agreements: Floats) -> Floats:
    return np.column_stack(corroboration(logits(prior), logits(evidence), agreements))


def _fitted(inputs: Floats, qualities: Floats) -> Logistic | None:
    """Fit to the rows where all is known; None where they are too few."""
    known = ~np.isnan(inputs).any(axis=1) & ~np.isnan(qualities)
    return fit_logistic(inputs[known], qualities[known], strength=1.0) if known.sum() >= MIN_PAIRS else None


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
