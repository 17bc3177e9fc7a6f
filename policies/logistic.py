"""Logistic regression: fitted by scikit-learn, kept and served as a vector and a number.

The one place that knows how graded answers become labels, and the only shape in which a fitted
regression leaves scikit-learn. scikit-learn is imported when something is fitted, never to serve.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from policies.odds import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Logistic:
    """log-odds = inputs @ weights + intercept. ``weights`` float64 (inputs,)."""

    weights: Floats
    intercept: float

    def log_odds(self, inputs: Floats) -> Floats:
        """Natural log-odds, (n,) for (n, inputs) and a scalar array for (inputs,)."""
        return np.asarray(inputs @ self.weights + self.intercept)

    def to_json(self) -> dict[str, Any]:
        """Plain values that :meth:`from_json` reads back unchanged."""
        return {"weights": self.weights.tolist(), "intercept": self.intercept}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` wrote."""
        return cls(np.asarray(value["weights"], np.float64), float(value["intercept"]))

    @classmethod
    def of(cls, estimator: Any) -> Self:
        """Take the weights out of a fitted scikit-learn LogisticRegression of two classes."""
        return cls(np.asarray(estimator.coef_[0], np.float64), float(estimator.intercept_[0]))


def fit_estimator(inputs: Any, qualities: Floats, strength: float) -> Any:
    """Fit scikit-learn's LogisticRegression to graded answers; ``strength`` is its C.

    ``inputs`` (n, d), dense or CSR; ``qualities`` (n,) in [0, 1]. A grade q counts as a right answer
    of weight q and a wrong one of weight 1 - q. Two made-up answers at the origin, one right and
    one wrong, keep a tier that was never wrong from certainty (Laplace's rule of succession).
    """
    from scipy import sparse
    from sklearn.linear_model import LogisticRegression

    origin = np.zeros((2, inputs.shape[1]))
    stack = sparse.vstack if sparse.issparse(inputs) else np.vstack
    rows = stack([inputs, inputs, origin])
    labels = np.concatenate([np.ones(len(qualities)), np.zeros(len(qualities)), [1.0, 0.0]])
    weights = np.concatenate([qualities, 1.0 - qualities, [1.0, 1.0]])
    kept = np.flatnonzero(weights > 0.0)
    rows = rows.tocsr()[kept] if sparse.issparse(rows) else rows[kept]
    model = LogisticRegression(C=strength, max_iter=2000)
    return model.fit(rows, labels[kept], sample_weight=weights[kept])


def fit_logistic(inputs: Any, qualities: Floats, strength: float) -> Logistic:
    """Fit as :func:`fit_estimator` does, and keep the weights only."""
    return Logistic.of(fit_estimator(inputs, qualities, strength))


def log_loss(probabilities: Floats, qualities: Floats) -> float:
    """Mean negative log-likelihood in nats of graded answers; probabilities clipped at 1e-6."""
    clipped = np.clip(probabilities, 1e-6, 1.0 - 1e-6)
    return float(-np.mean(qualities * np.log(clipped) + (1.0 - qualities) * np.log(1.0 - clipped)))
