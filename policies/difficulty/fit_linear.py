"""Fits the linear estimator with scikit-learn; nothing that serves imports this file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge

from backends.types import Prompt
from policies.difficulty.linear import LinearDifficulty, Probe, prompt_of, standardise
from policies.difficulty.terms import terms_of
from policies.features import features_of
from policies.fit_logistic import fit_estimator
from policies.folds import Fold, out_of_fold
from policies.logistic import Logistic, log_loss
from policies.odds import Floats, sigmoids

_STRENGTHS = (0.03, 0.3, 3.0)
"""Values of C that are compared by out-of-fold log loss."""
_RIDGE = 10.0
_UNKNOWN_LENGTH = 256.0
"""Tokens expected of a tier none of whose answers was counted; as the heuristic expects."""
_PROBE_TEXTS = (
    "",
    "What is 17 plus 2,548?",
    'Sort these words: pear, apple; fig. Answer as JSON with the key "words".',
    "If A is not the brother of B, who is C? Explain step by step.\nA. Ann\nB. Bob",
    "Übung: wie viel ist 3 × 12?",
)


class LinearDifficultyFitter:
    """Fits one classifier and one length model a tier on shared terms and features.

    After ``fit``: ``model_`` is the scorer to serve, ``out_of_fold_`` float64 (n, tiers) the
    predicted qualities by models that did not see the record.
    """

    def __init__(self, *, term_count: int = 6000) -> None:
        self.term_count = term_count

    def fit(
        self,
        prompts: Sequence[Prompt],
        tiers: Sequence[str],
        qualities: Floats,
        token_counts: Floats,
        folds: Fold,
    ) -> Self:
        """Fit to ``qualities`` and ``token_counts`` (n, tiers), NaN where a tier did not run."""
        self._read(prompts)
        fitted = [self._fit_tier(qualities[:, place], folds) for place in range(len(tiers))]
        lengths = [self._fit_length(token_counts[:, place]) for place in range(len(tiers))]
        self.out_of_fold_ = np.column_stack([predicted for _, predicted in fitted])
        self._export(tiers, [estimator for estimator, _ in fitted], lengths)
        return self

    def _read(self, prompts: Sequence[Prompt]) -> None:
        """Learn terms and scales from the prompts alone; no outcome is looked at."""
        described = [features_of(prompt) for prompt in prompts]
        values = np.array([list(features.values()) for features in described])
        self.mean_ = values.mean(axis=0)
        deviation = values.std(axis=0)
        self.scale_ = np.where(deviation > 1e-9, deviation, 1.0)
        self.vectorizer_ = TfidfVectorizer(
            analyzer=terms_of, min_df=min(3, len(prompts)), max_features=self.term_count, sublinear_tf=True
        ).fit([prompt.text for prompt in prompts])
        self.inputs_ = self._inputs(prompts)

    def _inputs(self, prompts: Sequence[Prompt]) -> Any:
        dense = [standardise(features_of(prompt), self.mean_, self.scale_) for prompt in prompts]
        terms = self.vectorizer_.transform([prompt.text for prompt in prompts])
        return sparse.hstack([terms, sparse.csr_matrix(np.array(dense))]).tocsr()

    def _fit_tier(self, qualities: Floats, folds: Fold) -> tuple[Any, Floats]:
        """Choose C out of fold; returns the model of all records and the out-of-fold predictions."""
        known = ~np.isnan(qualities)
        runs = {
            strength: out_of_fold(folds, known, self._predictor(qualities, strength))
            for strength in _STRENGTHS
        }
        best = min(runs, key=lambda strength: log_loss(runs[strength][known], qualities[known]))
        return fit_estimator(self.inputs_[known], qualities[known], best), runs[best]

    def _predictor(self, qualities: Floats, strength: float) -> Any:
        def fit_predict(fitted: Fold, rows: Fold) -> Floats:
            estimator = fit_estimator(self.inputs_[fitted], qualities[fitted], strength)
            return sigmoids(Logistic.of(estimator).log_odds(self.inputs_[rows]))

        return fit_predict

    def _fit_length(self, token_counts: Floats) -> tuple[Any, float]:
        """Ridge on log(1 + tokens), and the shift that makes its exponential right in the mean.

        Duan: Smearing estimate, Journal of the American Statistical Association 78 (1983).
        """
        known = ~np.isnan(token_counts)
        if not known.any():
            known, token_counts = ~known, np.full(len(token_counts), _UNKNOWN_LENGTH)
        target = np.log1p(token_counts[known])
        model = Ridge(alpha=_RIDGE, solver="lsqr").fit(self.inputs_[known], target)
        rest = target - model.predict(self.inputs_[known])
        return model, float(np.log(np.mean(np.exp(rest))))

    def _export(self, tiers: Sequence[str], estimators: list[Any], lengths: list[tuple[Any, float]]) -> None:
        intercepts = [model.intercept_[0] for model in estimators]
        intercepts += [model.intercept_ + shift for model, shift in lengths]
        columns = [model.coef_[0] for model in estimators] + [model.coef_ for model, _ in lengths]
        self.model_ = LinearDifficulty(
            tiers=tuple(tiers),
            vocabulary={term: int(row) for term, row in self.vectorizer_.vocabulary_.items()},
            idf=np.asarray(self.vectorizer_.idf_, np.float64),
            feature_mean=self.mean_,
            feature_scale=self.scale_,
            weights=np.column_stack(columns).astype(np.float64),
            intercepts=np.array(intercepts, np.float64),
            probes=self._probes(estimators, lengths),
        )
        self.model_.check()

    def _probes(self, estimators: list[Any], lengths: list[tuple[Any, float]]) -> tuple[Probe, ...]:
        """Score made-up prompts, and one of learnt terms, by scikit-learn itself; no user's text is kept."""
        learnt = " ".join(sorted(term for term in self.vectorizer_.vocabulary_ if " " not in term)[::20][:60])
        texts = (*_PROBE_TEXTS, learnt)
        inputs = self._inputs([prompt_of(text) for text in texts])
        scores = [model.decision_function(inputs) for model in estimators]
        scores += [model.predict(inputs) + shift for model, shift in lengths]
        return tuple(
            Probe(text, tuple(map(float, row)))
            for text, row in zip(texts, np.column_stack(scores), strict=True)
        )
