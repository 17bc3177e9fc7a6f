"""Fits the learnt estimator: the linear model first, then trees where they predict better beside it.

Every weight of the blend is chosen by predictions of models that did not see the record. Needs
scikit-learn; nothing that serves imports this file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from backends.types import Prompt
from policies.blending import SHARES, choose_share
from policies.difficulty.fit_linear import LinearDifficultyFitter
from policies.difficulty.learnt import Blend, LearntDifficulty, joined, row_of
from policies.difficulty.linear import LinearDifficulty, prompt_of
from policies.features import features_of
from policies.fit_forest import forest_of, grow, grow_gain
from policies.folds import Fold, out_of_fold
from policies.forest import Forest
from policies.grove import Grove
from policies.logistic import log_losses
from policies.odds import Floats, sigmoids

MIN_TO_BOOST = 200
"""Prompts from which trees of at least twenty prompts a leaf are grown."""


class LearntDifficultyFitter:
    """Fits both models on the same prompts and joins them.

    After ``fit``: ``model_`` is the estimator to serve, ``out_of_fold_`` float64 (n, tiers) the
    qualities predicted by models that did not see the record.
    """

    def fit(
        self,
        prompts: Sequence[Prompt],
        tiers: Sequence[str],
        qualities: Floats,
        token_counts: Floats,
        folds: Fold,
        *,
        seed: int = 0,
    ) -> Self:
        """Fit to ``qualities`` and ``token_counts`` (n, tiers), NaN where a tier did not run."""
        fitter = LinearDifficultyFitter().fit(prompts, tiers, qualities, token_counts, folds)
        self.model_ = LearntDifficulty(fitter.model_)
        self.out_of_fold_ = sigmoids(fitter.log_odds_)
        if len(prompts) >= MIN_TO_BOOST:
            self._blend(fitter, prompts, qualities, folds, seed)
        return self

    def _blend(
        self,
        fitter: LinearDifficultyFitter,
        prompts: Sequence[Prompt],
        qualities: Floats,
        folds: Fold,
        seed: int,
    ) -> None:
        features = np.array([list(features_of(prompt).values()) for prompt in prompts])
        growth = _Growth(np.hstack([features, fitter.topics_]), qualities, folds, seed)
        line = np.column_stack([fitter.log_odds_, fitter.gains_])
        trees = np.column_stack([growth.out_of_fold(head) for head in range(line.shape[1])])
        shares = np.array([growth.share(head, line, trees) for head in range(line.shape[1])])
        runs = {weight: joined(line, trees, shares, weight) for weight in SHARES}
        weight = choose_share({weight: _gain_errors(run, qualities) for weight, run in runs.items()})
        self.out_of_fold_ = runs[weight]
        grown = [growth.grown(head) if share else None for head, share in enumerate(shares)]
        forests = [Forest.empty() if model is None else forest_of(model) for model in grown]
        probes = _probed(fitter.model_, grown)
        blend = Blend(Grove.of(forests), shares, weight, probes)
        blend.check(fitter.model_)
        self.model_ = LearntDifficulty(fitter.model_, blend)


class _Growth:
    """Trees by head: of each tier's quality, then of the gain of the last over each other one."""

    def __init__(self, rows: Floats, qualities: Floats, folds: Fold, seed: int) -> None:
        self._rows, self._folds, self._seed = rows, folds, seed
        self._tier_count = qualities.shape[1]
        self._targets = np.column_stack([qualities, qualities[:, -1:] - qualities[:, :-1]])
        self._known = ~np.isnan(self._targets)

    def out_of_fold(self, head: int) -> Floats:
        """Predictions by trees that did not see the record; all 0 where they would see too few."""
        known = self._known[:, head]
        if known.sum() < MIN_TO_BOOST:
            return np.zeros(len(known))
        return out_of_fold(
            self._folds, known, lambda fitted, asked: self._said(self._fit(head, fitted), asked)
        )

    def share(self, head: int, line: Floats, trees: Floats) -> float:
        """Find the weight of the trees that predicts the known outcomes best; 0 where nothing was grown."""
        known = self._known[:, head]
        if known.sum() < MIN_TO_BOOST:
            return 0.0
        target = self._targets[known, head]
        blends = {share: ((1.0 - share) * line + share * trees)[known, head] for share in SHARES}
        if head < self._tier_count:
            return choose_share({s: log_losses(sigmoids(blend), target) for s, blend in blends.items()})
        return choose_share({s: (blend - target) ** 2 for s, blend in blends.items()})

    def grown(self, head: int) -> Any:
        """Grow on all records."""
        return self._fit(head, np.flatnonzero(self._known[:, head]))

    def _fit(self, head: int, fitted: Fold) -> Any:
        fit = grow if head < self._tier_count else grow_gain
        return fit(self._rows[fitted], self._targets[fitted, head], self._seed)

    def _said(self, model: Any, asked: Fold) -> Floats:
        return said(model, self._rows[asked])


def said(model: Any, rows: Floats) -> Floats:
    """Log-odds of a classifier, the value itself of a regression, (n,)."""
    predict = getattr(model, "decision_function", model.predict)
    return np.asarray(predict(rows), np.float64)


def _gain_errors(predicted: Floats, qualities: Floats) -> Floats:
    """Squared errors of all predicted gains of the last tier over the others, in one row."""
    errors = (predicted[:, -1:] - predicted[:, :-1]) - (qualities[:, -1:] - qualities[:, :-1])
    return np.asarray(errors[~np.isnan(errors)] ** 2)


def _probed(linear: LinearDifficulty, grown: Sequence[Any]) -> Floats:
    """What scikit-learn's own trees say of the probes, (prompts, heads); 0 where none were grown."""
    rows = []
    for probe in linear.probes:
        features = features_of(prompt_of(probe.text))
        rows.append(row_of(features, linear.scores(probe.text, features)))
    asked = np.array(rows)
    return np.column_stack([np.zeros(len(rows)) if model is None else said(model, asked) for model in grown])
