"""Learns from complete answers when one that is still being written can be given up.

Every score that a floor is chosen on is out of fold. Needs scikit-learn; nothing that serves
imports this file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from policies.fit_logistic import fit_logistic
from policies.folds import Fold, out_of_fold
from policies.head import compress
from policies.logistic import Logistic
from policies.odds import Floats
from policies.outcomes import Outcome
from policies.signals.prefix import CHECKPOINTS, checkpoint_of
from policies.stopping import LEVELS, Checkpoint

MAX_LOST = 0.01
"""Expected share of the answers that would be kept and are stopped all the same, at any checkpoint."""
_MIN_ANSWERS = 100
_MIN_EITHER = 20
"""Answers that are kept, and that are not, from which a level is fitted."""
_STRENGTH = 0.1
_LEVEL_STRENGTH = 10.0


def fit_stopping(
    predicted: Floats, confidences: Floats, outcomes: Sequence[Outcome], folds: Fold
) -> tuple[Checkpoint, ...]:
    """Fit one tier's checkpoints to its answers; none where too few answers come so far.

    ``predicted`` and ``confidences`` (n,) are out of fold: quality before the answer, confidence
    after it, 0 where a validator refuted it. A checkpoint that cannot stop anything is left out.
    """
    points: list[Checkpoint] = []
    chances: list[Floats] = []
    for count in CHECKPOINTS:
        names = _names(outcomes, count)
        rows = [row for row, outcome in enumerate(outcomes) if names and names <= outcome.signals.keys()]
        if len(rows) < _MIN_ANSWERS:
            continue
        answers = _Answers(predicted[rows], confidences[rows], [outcomes[row] for row in rows], folds[rows])
        point, kept = _checkpoint(count, tuple(sorted(names)), answers)
        points.append(point)
        chances.append(np.full((len(outcomes), len(LEVELS)), np.nan))
        chances[-1][rows] = kept
    if not points:
        return ()
    floors = _floors(np.stack(chances), confidences)
    return tuple(_with_floors(point, floors) for point in points if (floors[point.slopes > 0.0] > 0.0).any())


class _Answers:
    """The answers that reached one checkpoint."""

    def __init__(self, predicted: Floats, confidences: Floats, outcomes: Sequence[Outcome], folds: Fold):
        self.predicted = predicted
        self.confidences = confidences
        self.signals = [outcome.signals for outcome in outcomes]
        self.lengths = np.array([outcome.output_token_count or 0 for outcome in outcomes], dtype=np.float64)
        self.folds = folds


def _names(outcomes: Sequence[Outcome], count: int) -> frozenset[str]:
    """Statistics of the checkpoint that every answer with any of them has."""
    measured = [
        frozenset(name for name in outcome.signals if checkpoint_of(name) == count) for outcome in outcomes
    ]
    found = [names for names in measured if names]
    return frozenset.intersection(*found) if found else frozenset()


def _checkpoint(count: int, names: tuple[str, ...], answers: _Answers) -> tuple[Checkpoint, Floats]:
    """The model without floors, and out of fold the probabilities of being kept, (n, LEVELS)."""
    blank = _blank(count, names, answers.signals)
    pairs = zip(answers.predicted, answers.signals, strict=True)
    inputs = np.array([blank.inputs(float(quality), measured) for quality, measured in pairs])
    log_odds = out_of_fold(
        answers.folds,
        np.ones(len(inputs), dtype=np.bool_),
        lambda fitted, rows: fit_logistic(inputs[fitted], answers.confidences[fitted], _STRENGTH).log_odds(
            inputs[rows]
        ),
    )
    slopes, intercepts = _levels(log_odds, answers.confidences)
    point = replace(
        blank,
        logistic=fit_logistic(inputs, answers.confidences, _STRENGTH),
        slopes=slopes,
        intercepts=intercepts,
        rest_token_count=float(np.maximum(answers.lengths - count, 0.0).mean()),
    )
    return point, np.where(slopes > 0.0, point.kept(log_odds[:, None]), np.nan)


def _blank(count: int, names: tuple[str, ...], signals: Sequence[Mapping[str, float]]) -> Checkpoint:
    """The checkpoint with scales but no weights, so that fitting and serving share inputs."""
    columns = np.array([[compress(measured[name]) for name in names] for measured in signals])
    nothing, levels = Logistic(np.zeros(1 + len(names)), 0.0), np.zeros(len(LEVELS))
    scale = np.maximum(columns.std(axis=0), 1e-9)
    return Checkpoint(count, names, columns.mean(axis=0), scale, nothing, levels, levels, levels, 0.0)


def _levels(log_odds: Floats, confidences: Floats) -> tuple[Floats, Floats]:
    """Slope and intercept of P(kept) by level; 0 where there is too little of either kind to tell."""
    slopes, intercepts = np.zeros(len(LEVELS)), np.zeros(len(LEVELS))
    for place, level in enumerate(LEVELS):
        kept = (confidences >= level).astype(np.float64)
        if min(kept.sum(), len(kept) - kept.sum()) >= _MIN_EITHER:
            model = fit_logistic(log_odds[:, None], kept, _LEVEL_STRENGTH)
            slopes[place], intercepts[place] = model.weights[0], model.intercept
    return slopes, intercepts


def _floors(chances: Floats, confidences: Floats) -> Floats:
    """By level the probability that an answer which would be kept stays above all the way, but for MAX_LOST.

    ``chances`` (checkpoints, n, LEVELS), NaN where an answer did not come so far. Of n exchangeable
    lowest points and a next one, the latter lies below the k-th smallest with probability k / (n + 1)
    (Vovk, Gammerman, Shafer: Algorithmic Learning in a Random World, 2005, section 2.2).
    """
    lowest = np.where(np.isnan(chances), np.inf, chances).min(axis=0)
    floors = np.zeros(len(LEVELS))
    for place, level in enumerate(LEVELS):
        kept = np.sort(lowest[(confidences >= level) & np.isfinite(lowest[:, place]), place])
        rank = int(MAX_LOST * (len(kept) + 1))
        floors[place] = kept[rank - 1] if rank else 0.0
    return floors


def _with_floors(point: Checkpoint, floors: Floats) -> Checkpoint:
    return replace(point, floors=np.where(point.slopes > 0.0, floors, 0.0))
