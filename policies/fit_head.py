"""Fits one head to the answers of one tier with scikit-learn; nothing that serves imports this file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from policies.blending import SHARES, choose_share
from policies.fit_forest import forest_of, grow
from policies.fit_logistic import fit_estimator
from policies.folds import Fold, out_of_fold
from policies.forest import Forest
from policies.head import Boosted, Head, compress
from policies.logistic import Logistic, log_loss, log_losses
from policies.odds import Floats, sigmoids
from policies.signals.prefix import checkpoint_of

MIN_TO_BOOST = 200
"""Answers from which trees of at least twenty answers a leaf are grown."""
_STRENGTHS = (0.003, 0.03, 0.3)
"""Values of C that are compared by out-of-fold log loss."""
_MIN_PRESENT = 0.9
"""The line reads a signal that was there for this share of the answers."""
_MIN_COUNT = 20
"""Trees read one that was there for so many: a split on fewer is never made."""

Signals = Mapping[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class FittedHead:
    """A head to serve, its out-of-fold log-odds (n,), and scikit-learn's models that it was taken from."""

    head: Head
    out_of_fold: Floats
    line: Any
    trees: Any

    def expected(self, quality: float, signals: Signals) -> float:
        """Log-odds as scikit-learn itself gives them."""
        line = float(self.line.decision_function(self.head.inputs(quality, signals)[None, :])[0])
        if self.head.boosted is None:
            return line
        trees = float(self.trees.decision_function(self.head.boosted.row(quality, signals)[None, :])[0])
        return (1.0 - self.head.boosted.share) * line + self.head.boosted.share * trees


def fit_head(
    predicted: Floats, signals: Sequence[Signals], labels: Floats, folds: Fold, *, seed: int = 0
) -> FittedHead | None:
    """Fit to labels (n,) in [0, 1]; None where the answers carry no signal.

    ``predicted`` (n,) must be out-of-fold predictions of quality, cross-fitted on ``folds`` (n,).
    """
    names = _names(signals, max(_MIN_PRESENT * len(signals), 1.0))
    if not names:
        return None
    blank = _blank(names, signals)
    inputs = np.array([blank.inputs(float(q), s) for q, s in zip(predicted, signals, strict=True)])
    strength, scores = _cross_fit(inputs, labels, folds)
    line = fit_estimator(inputs, labels, strength)
    fitted = FittedHead(replace(blank, logistic=Logistic.of(line)), scores, line, None)
    is_enough = len(labels) >= MIN_TO_BOOST and labels.min() < labels.max()
    return _with_trees(fitted, predicted, signals, labels, folds, seed) if is_enough else fitted


def _with_trees(
    fitted: FittedHead,
    predicted: Floats,
    signals: Sequence[Signals],
    labels: Floats,
    folds: Fold,
    seed: int,
) -> FittedHead:
    """Grow trees and give them the weight that predicts best out of fold; it may be none."""
    boosted = Boosted(_names(signals, _MIN_COUNT), Forest.empty(), 1.0)
    rows = np.array([boosted.row(float(q), s) for q, s in zip(predicted, signals, strict=True)])

    def fit_predict(known: Fold, asked: Fold) -> Floats:
        return np.asarray(grow(rows[known], labels[known], seed).decision_function(rows[asked]))

    trees = out_of_fold(folds, np.ones(len(labels), dtype=np.bool_), fit_predict)
    blends = {share: (1.0 - share) * fitted.out_of_fold + share * trees for share in SHARES}
    share = choose_share({share: log_losses(sigmoids(odds), labels) for share, odds in blends.items()})
    if share == 0.0:
        return fitted
    model = grow(rows, labels, seed)
    head = replace(fitted.head, boosted=replace(boosted, forest=forest_of(model), share=share))
    return FittedHead(head, blends[share], fitted.line, model)


def _names(signals: Sequence[Signals], min_count: float) -> tuple[str, ...]:
    """Signals that so many answers have and that vary, sorted."""
    names = sorted({name for measured in signals for name in measured if checkpoint_of(name) is None})
    columns = {name: [measured[name] for measured in signals if name in measured] for name in names}
    return tuple(
        name for name, values in columns.items() if len(values) >= min_count and max(values) > min(values)
    )


def _blank(names: tuple[str, ...], signals: Sequence[Signals]) -> Head:
    """Return the head with scales but no weights, so that fitting and serving share inputs."""
    columns = [np.array([compress(s[name]) for s in signals if name in s]) for name in names]
    mean = np.array([column.mean() for column in columns])
    scale = np.array([max(float(column.std()), 1e-9) for column in columns])
    return Head(names, mean, scale, Logistic(np.zeros(1 + 2 * len(names)), 0.0))


def _cross_fit(inputs: Floats, labels: Floats, folds: Fold) -> tuple[float, Floats]:
    """Choose C by out-of-fold log loss; returns it and the out-of-fold log-odds."""
    known = np.ones(len(labels), dtype=np.bool_)
    runs = {}
    for strength in _STRENGTHS:

        def fit_predict(fitted: Fold, rows: Fold, strength: float = strength) -> Floats:
            return Logistic.of(fit_estimator(inputs[fitted], labels[fitted], strength)).log_odds(inputs[rows])

        runs[strength] = out_of_fold(folds, known, fit_predict)
    best = min(runs, key=lambda strength: log_loss(sigmoids(runs[strength]), labels))
    return best, runs[best]
