"""A fitted logistic regression as it is kept and served: a vector and a number.

Knows nothing of how it was fitted; ``fit_logistic`` does, and needs scikit-learn.
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


def log_loss(probabilities: Floats, qualities: Floats) -> float:
    """Mean negative log-likelihood in nats of graded answers; probabilities clipped at 1e-6."""
    return float(np.mean(log_losses(probabilities, qualities)))


def log_losses(probabilities: Floats, qualities: Floats) -> Floats:
    """Negative log-likelihood of every graded answer, in nats."""
    clipped = np.clip(probabilities, 1e-6, 1.0 - 1e-6)
    return np.asarray(-(qualities * np.log(clipped) + (1.0 - qualities) * np.log(1.0 - clipped)))
