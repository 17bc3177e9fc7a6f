"""Fits what embeddings add to the words of a prompt; nothing that serves imports this file.

Needs scikit-learn. Every weight is chosen by predictions of models that did not see the record, and
where nothing is gained beyond noise, nothing is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.linear_model import Ridge

from policies.difficulty.embedded import Embedded, EncoderIdentity, opinion, probe_of
from policies.difficulty.learnt import joined
from policies.fit_logistic import fit_estimator
from policies.folds import Fold, out_of_fold
from policies.logistic import log_loss, log_losses
from policies.odds import Floats, sigmoids

MIN_PROMPTS = 200
"""Prompts from which an embedding of hundreds of numbers can be told from noise."""
_SHARES = (0.0, 0.25, 0.5, 0.75)
_STRENGTHS = (0.3, 1.0, 3.0)
"""Values of C that are compared by out-of-fold log loss; embeddings have length 1."""
_PENALTIES = (1.0, 3.0, 10.0)
"""Penalties of ridge regression that are compared by out-of-fold squared error."""
_STAKE = 0.02
"""A predicted gain that moves less changes few decisions."""
_BIN_COUNT = 20


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What is known without embeddings: qualities ``predicted`` (n, tiers) by words alone, out of fold.

    ``qualities`` (n, tiers) are what came of it, NaN where a tier did not run; ``folds`` (n,).
    """

    predicted: Floats
    qualities: Floats
    folds: Fold


def fit_embedded(
    encoder: EncoderIdentity, tiers: Sequence[str], embeddings: Floats, told: Told
) -> Embedded | None:
    """Fit to ``embeddings`` (n, width); None where they are too few or add nothing beyond noise."""
    predicted, qualities = told.predicted, told.qualities
    heads = _Heads(np.asarray(embeddings, np.float64), qualities, told.folds)
    if heads.known.all(axis=1).sum() < MIN_PROMPTS:
        return None
    fitted = [heads.fit(head) for head in range(heads.targets.shape[1])]
    first, second = opinion(predicted), np.column_stack([scores for _, scores in fitted])
    shares = np.array([heads.share(head, first, second) for head in range(second.shape[1])])
    runs = {weight: joined(first, second, shares, weight) for weight in (0.0, 0.5, 1.0)}
    weight = min(runs, key=lambda weight: float(_gain_errors(runs[weight], qualities).mean()))
    saved = _gain_errors(predicted, qualities) - _gain_errors(runs[weight], qualities)
    band = _band(predicted, runs[weight])
    if band is None or not saved.mean() > saved.std() / np.sqrt(len(saved)):
        return None
    models = [model for model, _ in fitted]
    probe = probe_of(embeddings.shape[1])[None, :]
    return Embedded(
        encoder=encoder,
        tiers=tuple(tiers),
        weights=np.column_stack([np.ravel(model.coef_) for model in models]),
        intercepts=np.array([float(np.ravel(model.intercept_)[0]) for model in models]),
        shares=shares,
        gain_weight=weight,
        band=band,
        probe_scores=np.array([_said(model, probe)[0] for model in models]),
    )


class _Heads:
    """Linear models by head, and how much of the word each deserves."""

    def __init__(self, embeddings: Floats, qualities: Floats, folds: Fold) -> None:
        self._embeddings, self._folds = embeddings, folds
        self._tier_count = qualities.shape[1]
        self.targets = np.column_stack([qualities, qualities[:, -1:] - qualities[:, :-1]])
        self.known = ~np.isnan(self.targets)

    def fit(self, head: int) -> tuple[Any, Floats]:
        """Return the model of all records, and what models said that did not see the record."""
        known, target = self.known[:, head], self.targets[:, head]
        is_tier = head < self._tier_count
        make: Callable[[Fold, float], Any] = self._classifier(target) if is_tier else self._ridge(target)

        def fit_predict(setting: float) -> Callable[[Fold, Fold], Floats]:
            return lambda rows, asked: _said(make(rows, setting), self._embeddings[asked])

        settings = _STRENGTHS if is_tier else _PENALTIES
        runs = {setting: out_of_fold(self._folds, known, fit_predict(setting)) for setting in settings}

        def loss(setting: float) -> float:
            said = runs[setting][known]
            if is_tier:
                return log_loss(sigmoids(said), target[known])
            return float(np.mean((said - target[known]) ** 2))

        best = min(runs, key=loss)
        return make(np.flatnonzero(known), best), runs[best]

    def share(self, head: int, first: Floats, second: Floats) -> float:
        """Find the weight of the embedding beside the first opinion that predicts best; it may be 0."""
        known, target = self.known[:, head], self.targets[:, head]
        losses = {}
        for share in _SHARES:
            mixed = ((1.0 - share) * first + share * second)[known, head]
            is_tier = head < self._tier_count
            lost = log_losses(sigmoids(mixed), target[known]) if is_tier else (mixed - target[known]) ** 2
            losses[share] = float(lost.mean())
        return min(losses, key=lambda share: losses[share])

    def _classifier(self, target: Floats) -> Callable[[Fold, float], Any]:
        return lambda rows, strength: fit_estimator(self._embeddings[rows], target[rows], strength)

    def _ridge(self, target: Floats) -> Callable[[Fold, float], Any]:
        return lambda rows, penalty: Ridge(alpha=penalty, solver="cholesky").fit(
            self._embeddings[rows], target[rows]
        )


def _said(model: Any, rows: Floats) -> Floats:
    """Log-odds of a classifier, the value itself of a regression, (n,)."""
    predict = getattr(model, "decision_function", model.predict)
    return np.asarray(predict(rows), np.float64)


def _gain_errors(predicted: Floats, qualities: Floats) -> Floats:
    """Squared errors of all predicted gains of the last tier over the others, in one row."""
    errors = (predicted[:, -1:] - predicted[:, :-1]) - (qualities[:, -1:] - qualities[:, :-1])
    return np.asarray(errors[~np.isnan(errors)] ** 2)


def _band(first: Floats, second: Floats) -> tuple[float, float] | None:
    """The range of gains predicted by words where the embedding moves them by over ``_STAKE`` on average."""
    gains = first[:, -1] - first[:, 0]
    moved = np.abs(second[:, -1] - second[:, 0] - gains)
    bins = [rows for rows in np.array_split(np.argsort(gains), _BIN_COUNT) if len(rows)]
    wide = [rows for rows in bins if float(moved[rows].mean()) > _STAKE]
    if not wide:
        return None
    return float(gains[wide[0]].min()), float(gains[wide[-1]].max())
