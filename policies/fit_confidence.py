"""Fits one tier's confidence model with scikit-learn; nothing that serves imports this file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from policies.calibration import MIN_LABELS, fit_calibrator
from policies.confidence import ConfidenceProbe, TierConfidence
from policies.fit_head import FittedHead, Signals, fit_head
from policies.folds import Fold, out_of_fold
from policies.odds import Floats, sigmoid, sigmoids

_PROBE_COUNT = 5


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
    if len(qualities) < MIN_LABELS:
        return None
    fitted = fit_head(predicted, signals, qualities, folds, seed=seed)
    if fitted is None:
        return None
    scores = sigmoids(fitted.out_of_fold)
    model = TierConfidence(fitted.head, fit_calibrator(scores, qualities, seed=seed))
    return FittedConfidence(
        model,
        _probes(tier, model, fitted, predicted, signals),
        _cross_calibrate(scores, qualities, folds, seed),
    )


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
    tier: str, model: TierConfidence, fitted: FittedHead, predicted: Floats, signals: Sequence[Signals]
) -> tuple[ConfidenceProbe, ...]:
    """Let scikit-learn itself score a few answers; their numbers are kept, no text."""
    places = np.linspace(0, len(signals) - 1, _PROBE_COUNT).astype(int).tolist()
    read = {*fitted.head.names, *(fitted.head.boosted.names if fitted.head.boosted else ())}
    return tuple(
        ConfidenceProbe(
            tier,
            float(predicted[place]),
            {name: float(signals[place][name]) for name in sorted(read & signals[place].keys())},
            float(
                model.calibrator.predict(
                    np.array(sigmoid(fitted.expected(float(predicted[place]), signals[place])))
                )
            ),
        )
        for place in places
        if fitted.head.knows(signals[place])
    )
