"""Several estimators as one: for each tier, the first that knows it speaks.

So a learnt estimator covers the tiers that it has seen, and a guess the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backends.types import Prompt
from policies.difficulty.base import DifficultyEstimator, Estimate


class LayeredDifficulty:
    """Asks ``estimators`` in order; later ones fill in the tiers that earlier ones do not know."""

    def __init__(self, estimators: Sequence[DifficultyEstimator]) -> None:
        self._estimators = tuple(estimators)

    def predict(self, prompt: Prompt, features: Mapping[str, float]) -> Mapping[str, Estimate]:
        """Estimates for every tier that any of the estimators knows."""
        joined: dict[str, Estimate] = {}
        for estimator in self._estimators:
            joined = {**estimator.predict(prompt, features), **joined}
        return joined
