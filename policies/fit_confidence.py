"""Fits one tier's confidence model with scikit-learn; nothing that serves imports this file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from policies.calibration import MIN_LABELS, IdentityCalibrator, fit_calibrator
from policies.confidence import ConfidenceProbe, TierConfidence, compress
from policies.fit_logistic import fit_estimator
from policies.folds import Fold, out_of_fold
from policies.logistic import Logistic, log_loss
from policies.odds import Floats, sigmoids
from policies.signals.prefix import checkpoint_of

_STRENGTHS = (0.003, 0.03, 0.3)
"""Values of C that are compared by out-of-fold log loss."""
_MIN_PRESENT = 0.9
"""A signal is read when it was there for this share of the answers."""
_PROBE_COUNT = 5

Signals = Mapping[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class FittedConfidence:
    """A tier's model to serve, its probes, and the out-of-fold confidence of each answer, (n,)."""

    model: TierConfidence
    probes: tuple[ConfidenceProbe, ...]
    out_of_fold: Floats


def fit_tier_confidence(
    tier: str,
    predicted: Floats,
    signals: Sequence[Signals],
    qualities: Floats,
    folds: Fold,
    *,
    seed: int = 0,
) -> FittedConfidence | None:
    """Fit to the answers of one tier; None where they are too few or carry no signal.

    ``predicted`` (n,) must be out-of-fold predictions of quality; ``qualities`` (n,) grades in
    [0, 1]; ``folds`` (n,) the groups that the predictions were cross-fitted on.
    """
    names = _signal_names(signals)
    if len(qualities) < MIN_LABELS or not names:
        return None
    blank = _blank(names, signals)
    inputs = np.array([blank.inputs(float(q), s) for q, s in zip(predicted, signals, strict=True)])
    strength, scores = _cross_fit(inputs, qualities, folds)
    estimator = fit_estimator(inputs, qualities, strength)
    calibrator = fit_calibrator(scores, qualities, seed=seed)
    model = TierConfidence(names, blank.mean, blank.scale, Logistic.of(estimator), calibrator)
    return FittedConfidence(
        model,
        _probes(tier, model, estimator, predicted, signals),
        _cross_calibrate(scores, qualities, folds, seed),
    )


def _signal_names(signals: Sequence[Signals]) -> tuple[str, ...]:
    """Signals that nearly every answer has and that vary, sorted; of a whole answer, not of its beginning."""
    names = sorted({name for measured in signals for name in measured if checkpoint_of(name) is None})
    columns = {name: [measured[name] for measured in signals if name in measured] for name in names}
    return tuple(
        name
        for name, values in columns.items()
        if len(values) >= _MIN_PRESENT * len(signals) and max(values) > min(values)
    )


def _blank(names: tuple[str, ...], signals: Sequence[Signals]) -> TierConfidence:
    """Return the model with scales but no weights, so that fitting and serving share inputs."""
    columns = [np.array([compress(s[name]) for s in signals if name in s]) for name in names]
    mean = np.array([column.mean() for column in columns])
    scale = np.array([max(float(column.std()), 1e-9) for column in columns])
    nothing = Logistic(np.zeros(1 + 2 * len(names)), 0.0)
    return TierConfidence(names, mean, scale, nothing, IdentityCalibrator())


def _cross_fit(inputs: Floats, qualities: Floats, folds: Fold) -> tuple[float, Floats]:
    """Choose C by out-of-fold log loss; returns it and the out-of-fold scores."""
    known = np.ones(len(qualities), dtype=np.bool_)
    runs = {}
    for strength in _STRENGTHS:

        def fit_predict(fitted: Fold, rows: Fold, strength: float = strength) -> Floats:
            model = Logistic.of(fit_estimator(inputs[fitted], qualities[fitted], strength))
            return sigmoids(model.log_odds(inputs[rows]))

        runs[strength] = out_of_fold(folds, known, fit_predict)
    best = min(runs, key=lambda strength: log_loss(runs[strength], qualities))
    return best, runs[best]


def _cross_calibrate(scores: Floats, qualities: Floats, folds: Fold, seed: int) -> Floats:
    """Calibrate every score by a calibrator that did not see it."""
    return out_of_fold(
        folds,
        np.ones(len(qualities), dtype=np.bool_),
        lambda fitted, rows: fit_calibrator(scores[fitted], qualities[fitted], seed=seed).predict(
            scores[rows]
        ),
    )


def _probes(
    tier: str, model: TierConfidence, estimator: Any, predicted: Floats, signals: Sequence[Signals]
) -> tuple[ConfidenceProbe, ...]:
    """Let scikit-learn itself score a few answers; their numbers are kept, no text."""
    places = np.linspace(0, len(signals) - 1, _PROBE_COUNT).astype(int).tolist()
    inputs = np.array([model.inputs(float(predicted[place]), signals[place]) for place in places])
    expected = model.calibrator.predict(estimator.predict_proba(inputs)[:, 1])
    return tuple(
        ConfidenceProbe(
            tier,
            float(predicted[place]),
            {name: float(signals[place][name]) for name in model.names if name in signals[place]},
            float(value),
        )
        for place, value in zip(places, expected, strict=True)
        if model.predict(float(predicted[place]), signals[place]) is not None
    )
