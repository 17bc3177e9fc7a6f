"""From scores to probabilities that mean what they say.

Beta calibration for few labels, for many whichever of it, isotonic regression and Venn-Abers
prediction does best on labels that it did not see, nothing for next to none. Knows neither tiers
nor signals. Fitting needs scikit-learn, predicting does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, Self

import numpy as np

from policies.folds import assign_folds, out_of_fold
from policies.logistic import log_loss
from policies.odds import Floats, sigmoids

MIN_LABELS = 30
"""Below this nothing is fitted."""
BETA_BELOW = 500
"""From here on curves may be drawn freely, and the cross-validated log loss decides between the kinds."""

_SCORE_EDGE = 1e-6


class Calibrator(Protocol):
    """A monotone map from [0, 1] to [0, 1]; unfitted until ``fit`` or read from JSON."""

    def fit(self, scores: Floats, labels: Floats) -> Self:
        """Fit to scores (n,) in [0, 1] and labels (n,) in [0, 1]; returns itself."""
        ...

    def predict(self, scores: Floats) -> Floats:
        """Map scores of any shape to calibrated probabilities."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Plain values that :func:`calibrator_from_json` reads back unchanged."""
        ...


class IdentityCalibrator:
    """Leaves scores as they are."""

    def fit(self, scores: Floats, labels: Floats) -> Self:
        """Do nothing."""
        del scores, labels
        return self

    def predict(self, scores: Floats) -> Floats:
        """Return the scores, clipped to [0, 1]."""
        return np.clip(scores, 0.0, 1.0)

    def to_json(self) -> dict[str, Any]:
        """Name the kind; there is nothing else."""
        return {"kind": "identity"}


class BetaCalibrator:
    """sigmoid(a ln s - b ln(1 - s) + c) with a, b >= 0.

    Kull, Silva Filho, Flach: Beta calibration, AISTATS 2017, equation 4 and algorithm 1: a
    logistic regression on (ln s, -ln(1 - s)); an input with a negative weight is dropped.
    """

    def __init__(self, a: float = 1.0, b: float = 1.0, c: float = 0.0) -> None:
        self.a_, self.b_, self.c_ = a, b, c

    def fit(self, scores: Floats, labels: Floats) -> Self:
        """Fit a, b and c, next to unregularised."""
        from policies.fit_logistic import fit_logistic  # scikit-learn, to fit only

        inputs = _beta_inputs(scores)
        kept = np.array([True, True])
        model = fit_logistic(inputs, labels, strength=100.0)
        while kept.any() and (model.weights < 0.0).any():
            kept[np.flatnonzero(kept)[model.weights < 0.0]] = False
            model = fit_logistic(inputs[:, kept] if kept.any() else np.zeros((len(labels), 1)), labels, 100.0)
        weights = np.zeros(2)
        weights[kept] = model.weights if kept.any() else 0.0
        self.a_, self.b_, self.c_ = float(weights[0]), float(weights[1]), model.intercept
        return self

    def predict(self, scores: Floats) -> Floats:
        """Map scores of any shape; never decreasing, in (0, 1)."""
        inputs = _beta_inputs(scores)
        return sigmoids(self.a_ * inputs[..., 0] + self.b_ * inputs[..., 1] + self.c_)

    def to_json(self) -> dict[str, Any]:
        """Write the three parameters."""
        return {"kind": "beta", "a": self.a_, "b": self.b_, "c": self.c_}


class IsotonicCalibrator:
    """A never-decreasing step-and-ramp curve through knots (pool adjacent violators)."""

    kind = "isotonic"

    def __init__(self, scores: Floats | None = None, values: Floats | None = None) -> None:
        self.scores_ = np.array([0.0, 1.0]) if scores is None else scores
        self.values_ = np.array([0.0, 1.0]) if values is None else values

    def fit(self, scores: Floats, labels: Floats) -> Self:
        """Fit the knots; values keep 1 / (n + 2) off 0 and 1, for n labels can show no more."""
        from sklearn.isotonic import IsotonicRegression  # to fit only

        edge = 1.0 / (len(labels) + 2.0)
        model = IsotonicRegression(y_min=edge, y_max=1.0 - edge).fit(scores, labels)
        self.scores_ = np.asarray(model.X_thresholds_, np.float64)
        self.values_ = np.asarray(model.y_thresholds_, np.float64)
        return self

    def predict(self, scores: Floats) -> Floats:
        """Interpolate between the knots; constant beyond them."""
        return np.asarray(np.interp(scores, self.scores_, self.values_))

    def to_json(self) -> dict[str, Any]:
        """Write the knots."""
        return {"kind": self.kind, "scores": self.scores_.tolist(), "values": self.values_.tolist()}


class VennAbersCalibrator(IsotonicCalibrator):
    """The same through the points of :func:`policies.venn_abers.venn_abers_curve`: less sure at the ends."""

    kind = "venn_abers"

    def fit(self, scores: Floats, labels: Floats) -> Self:
        """Fit the points; two isotonic regressions each."""
        from policies.venn_abers import venn_abers_curve  # SciPy, to fit only

        self.scores_, self.values_ = venn_abers_curve(scores, labels)
        return self


def fit_calibrator(scores: Floats, labels: Floats, *, seed: int = 0) -> Calibrator:
    """Fit the kind of calibrator that so many labels can carry."""
    if len(labels) < MIN_LABELS or labels.min() == labels.max():
        return IdentityCalibrator()
    if len(labels) < BETA_BELOW:
        return BetaCalibrator().fit(scores, labels)
    losses = {kind: _cross_validated_loss(kind, scores, labels, seed) for kind in _KINDS_TO_COMPARE}
    return min(losses, key=lambda kind: losses[kind])().fit(scores, labels)


def calibrator_from_json(value: Mapping[str, Any]) -> Calibrator:
    """Read what ``to_json`` wrote; KeyError, TypeError or ValueError on anything else."""
    match value["kind"]:
        case "identity":
            return IdentityCalibrator()
        case "beta":
            return BetaCalibrator(float(value["a"]), float(value["b"]), float(value["c"]))
        case "isotonic" | "venn_abers" as kind:
            curve = IsotonicCalibrator if kind == "isotonic" else VennAbersCalibrator
            return curve(np.asarray(value["scores"], np.float64), np.asarray(value["values"], np.float64))
        case kind:
            raise ValueError(f"no calibrator is called {kind!r}; known: identity, beta, isotonic, venn_abers")


_KINDS_TO_COMPARE: tuple[type[BetaCalibrator] | type[IsotonicCalibrator], ...] = (
    BetaCalibrator,
    VennAbersCalibrator,
    IsotonicCalibrator,
)


def _beta_inputs(scores: Floats) -> Floats:
    clipped = np.clip(scores, _SCORE_EDGE, 1.0 - _SCORE_EDGE)
    return np.stack([np.log(clipped), -np.log1p(-clipped)], axis=-1)


def _cross_validated_loss(
    kind: type[BetaCalibrator] | type[IsotonicCalibrator], scores: Floats, labels: Floats, seed: int
) -> float:
    folds = assign_folds([f"{row:06d}" for row in range(len(labels))], count=5, seed=seed)
    predicted = out_of_fold(
        folds,
        np.ones(len(labels), dtype=np.bool_),
        lambda fitted, rows: kind().fit(scores[fitted], labels[fitted]).predict(scores[rows]),
    )
    return log_loss(predicted, labels)
