"""From scores to one calibrated probability that a reading is right, by kind of element and engine.

A logistic model whose inputs are scores less a neutral value, so that a score which could not be had moves
nothing. The weights are data beside this file; ``make bench-documents`` fits them and says on what.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from router.documents.verify.registry import PROOFS


@dataclass(frozen=True, slots=True)
class Curve:
    """sigmoid(intercept + sum of weight * (score - neutral)); ``terms`` are (weight, neutral) by score."""

    intercept: float
    terms: Mapping[str, tuple[float, float]]

    def predict(self, scores: Mapping[str, float]) -> float:
        """Probability in (0, 1)."""
        total = self.intercept + sum(
            weight * (scores[name] - neutral)
            for name, (weight, neutral) in self.terms.items()
            if name in scores
        )
        return 1.0 / (1.0 + math.exp(-max(min(total, 30.0), -30.0)))


class Confidence:
    """Curves by "kind/engine", by "kind", and for all else "*"."""

    def __init__(self, curves: Mapping[str, Curve]) -> None:
        self.curves = dict(curves)

    def is_calibrated(self, kind: str, engine: str) -> bool:
        """Whether the engine's readings of this kind have a curve of their own."""
        return f"{kind}/{engine}" in self.curves

    def predict(self, kind: str, engine: str, scores: Mapping[str, float]) -> float:
        """Probability in [0, 1] that the reading is right; 0 where a score proves it wrong."""
        if is_disproved(scores):
            return 0.0
        curve = self.curves.get(f"{kind}/{engine}") or self.curves.get(kind) or self.curves["*"]
        return round(curve.predict(scores), 4)


def is_disproved(scores: Mapping[str, float]) -> bool:
    """Whether a score proves the reading wrong."""
    return any(scores.get(name) == 0.0 for name in PROOFS)


@lru_cache(maxsize=1)
def shipped() -> Confidence:
    """The curves that come with the package."""
    text = resources.files("router.documents.verify").joinpath("weights.json").read_text(encoding="utf-8")
    curves = json.loads(text)["curves"]
    return Confidence(
        {
            name: Curve(
                curve["intercept"],
                {
                    score: (float(weight), float(neutral))
                    for score, (weight, neutral) in curve["terms"].items()
                },
            )
            for name, curve in curves.items()
        }
    )
