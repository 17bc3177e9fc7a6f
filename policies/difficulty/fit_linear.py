"""Fits the linear models of a prompt with scikit-learn; nothing that serves imports this file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.decomposition import TruncatedSVD
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

TERM_SCALE, FEATURE_SCALE = 3.0, 0.3
"""One penalty holds for both kinds of input, and a row has one norm of terms but dozens of features. So
scaled, APGR rose by .005 and .012 on two ladders, and log loss fell on all six."""
TOPIC_COUNT = 16
"""Directions in which texts differ most, for trees; 48 were no better."""
_STRENGTHS = (0.03, 0.1, 0.3, 1.0)
"""Values of C that are compared by out-of-fold log loss."""
_GAIN_PENALTIES = (10.0, 30.0, 100.0, 300.0)
"""Penalties of ridge regression that are compared by out-of-fold squared error."""
_LENGTH_PENALTY = 10.0
_MIN_PAIRS = 50
"""Prompts that both tiers must have answered before the gain from one to the other is fitted."""
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
    """Fits a classifier and a length model a tier, and gains to the last, on shared terms and features.

    After ``fit``: ``model_`` is the scorer to serve. ``log_odds_`` (n, tiers) and ``gains_``
    (n, tiers - 1) are by models that did not see the record, ``topics_`` (n, topics) by one that
    saw its text and no outcome.
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
        fitted = [self._fit_tier(column, folds) for column in qualities.T]
        gained = [self._fit_gain(qualities[:, -1] - column, folds) for column in qualities.T[:-1]]
        lengths = [self._fit_length(column) for column in token_counts.T]
        self.log_odds_ = np.column_stack([predicted for _, predicted in fitted])
        nothing = np.zeros((len(prompts), 0))
        self.gains_ = np.column_stack([nothing, *(predicted for _, predicted in gained)])
        self.topics_ = np.asarray(self.inputs_ @ self.topic_weights_)
        self._export(tiers, [model for model, _ in fitted], lengths, [model for model, _ in gained])
        return self

    def _read(self, prompts: Sequence[Prompt]) -> None:
        """Learn terms, scales and topics from the prompts alone; no outcome is looked at."""
        texts, described = [prompt.text for prompt in prompts], [features_of(prompt) for prompt in prompts]
        values = np.array([list(features.values()) for features in described])
        self.mean_ = values.mean(axis=0)
        deviation = values.std(axis=0)
        self.scale_ = np.where(deviation > 1e-9, deviation, 1.0)
        self.vectorizer_ = TfidfVectorizer(
            analyzer=terms_of, min_df=min(3, len(prompts)), max_features=self.term_count, sublinear_tf=True
        )
        terms = self.vectorizer_.fit_transform(texts)
        self.inputs_ = self._joined(terms, described)
        self.topic_weights_ = self._topics(terms)

    def _topics(self, terms: Any) -> Floats:
        """Weights (terms + features, topics), rounded so that the file stays small; features have none."""
        count = min(TOPIC_COUNT, min(terms.shape) - 1)
        weights = np.zeros((self.inputs_.shape[1], max(count, 0)))
        if count > 0:
            found = TruncatedSVD(count, random_state=0).fit(terms)
            weights[: terms.shape[1]] = np.round(found.components_.T, 4) / TERM_SCALE
        return weights

    def _joined(self, terms: Any, described: Sequence[dict[str, float]]) -> Any:
        dense = np.array([standardise(features, self.mean_, self.scale_) for features in described])
        return sparse.hstack([terms * TERM_SCALE, sparse.csr_matrix(dense * FEATURE_SCALE)]).tocsr()

    def _fit_tier(self, qualities: Floats, folds: Fold) -> tuple[Any, Floats]:
        """Choose C out of fold; returns the model of all records and the out-of-fold log-odds."""
        known = ~np.isnan(qualities)

        def predictor(strength: float) -> Any:
            def fit_predict(fitted: Fold, rows: Fold) -> Floats:
                model = fit_estimator(self.inputs_[fitted], qualities[fitted], strength)
                return Logistic.of(model).log_odds(self.inputs_[rows])

            return fit_predict

        runs = {strength: out_of_fold(folds, known, predictor(strength)) for strength in _STRENGTHS}
        best = min(runs, key=lambda strength: log_loss(sigmoids(runs[strength][known]), qualities[known]))
        return fit_estimator(self.inputs_[known], qualities[known], best), runs[best]

    def _fit_gain(self, gains: Floats, folds: Fold) -> tuple[Any, Floats]:
        """Choose the penalty out of fold; returns the model of all records and the out-of-fold gains."""
        known = ~np.isnan(gains)
        if known.sum() < _MIN_PAIRS:
            return _constant(self.inputs_, 0.0), np.zeros(len(gains))

        def predictor(penalty: float) -> Any:
            def fit_predict(fitted: Fold, rows: Fold) -> Floats:
                return np.asarray(
                    _ridge(self.inputs_[fitted], gains[fitted], penalty).predict(self.inputs_[rows])
                )

            return fit_predict

        runs = {penalty: out_of_fold(folds, known, predictor(penalty)) for penalty in _GAIN_PENALTIES}
        best = min(runs, key=lambda penalty: float(np.mean((runs[penalty] - gains)[known] ** 2)))
        return _ridge(self.inputs_[known], gains[known], best), runs[best]

    def _fit_length(self, token_counts: Floats) -> tuple[Any, float]:
        """Ridge on log(1 + tokens), and the shift that makes its exponential right in the mean.

        Duan: Smearing estimate, Journal of the American Statistical Association 78 (1983).
        """
        known = ~np.isnan(token_counts)
        if not known.any():
            return _constant(self.inputs_, float(np.log1p(_UNKNOWN_LENGTH))), 0.0
        target = np.log1p(token_counts[known])
        model = _ridge(self.inputs_[known], target, _LENGTH_PENALTY)
        rest = target - model.predict(self.inputs_[known])
        return model, float(np.log(np.mean(np.exp(rest))))

    def _export(
        self,
        tiers: Sequence[str],
        estimators: list[Any],
        lengths: list[tuple[Any, float]],
        gains: list[Any],
    ) -> None:
        intercepts = [model.intercept_[0] for model in estimators]
        intercepts += [model.intercept_ + shift for model, shift in lengths]
        intercepts += [model.intercept_ for model in gains] + [0.0] * self.topic_weights_.shape[1]
        columns = [model.coef_[0] for model in estimators]
        columns += [model.coef_ for model, _ in lengths] + [model.coef_ for model in gains]
        weights = np.column_stack([*columns, self.topic_weights_])
        term_count = len(self.vectorizer_.vocabulary_)
        weights[:term_count] *= TERM_SCALE
        weights[term_count:] *= FEATURE_SCALE
        self.model_ = LinearDifficulty(
            tiers=tuple(tiers),
            vocabulary={term: int(row) for term, row in self.vectorizer_.vocabulary_.items()},
            idf=np.asarray(self.vectorizer_.idf_, np.float64),
            feature_mean=self.mean_,
            feature_scale=self.scale_,
            weights=weights.astype(np.float64),
            intercepts=np.array(intercepts, np.float64),
            gain_count=len(gains),
            probes=self._probes(estimators, lengths, gains),
        )
        self.model_.check()

    def _probes(
        self, estimators: list[Any], lengths: list[tuple[Any, float]], gains: list[Any]
    ) -> tuple[Probe, ...]:
        """Score made-up prompts, and one of learnt terms, by scikit-learn itself; no user's text is kept."""
        learnt = " ".join(sorted(term for term in self.vectorizer_.vocabulary_ if " " not in term)[::20][:60])
        texts = (*_PROBE_TEXTS, learnt)
        described = [features_of(prompt_of(text)) for text in texts]
        inputs = self._joined(self.vectorizer_.transform(texts), described)
        scores = [model.decision_function(inputs) for model in estimators]
        scores += [model.predict(inputs) + shift for model, shift in lengths]
        scores += [model.predict(inputs) for model in gains]
        table = np.column_stack([*scores, inputs @ self.topic_weights_])
        return tuple(Probe(text, tuple(map(float, row))) for text, row in zip(texts, table, strict=True))


def _ridge(inputs: Any, target: Floats, penalty: float) -> Any:
    return Ridge(alpha=penalty, solver="lsqr").fit(inputs, target)


def _constant(inputs: Any, value: float) -> Any:
    """A ridge regression that always says ``value``."""
    return _ridge(inputs, np.full(inputs.shape[0], value), _LENGTH_PENALTY)
