"""How sure one may be of an answer: a tier's signals turned into a calibrated probability.

Decides what is said of an answer that exists. Refuses to invent: a tier that was never calibrated,
or an answer without the signals it was calibrated on, has no confidence. Serves without
scikit-learn, checked against it by probes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from policies.calibration import Calibrator, calibrator_from_json
from policies.head import Head
from policies.odds import sigmoid

_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class TierConfidence:
    """The model of one tier: ``head`` asks whether its answer is right, ``calibrator`` how often such are."""

    head: Head
    calibrator: Calibrator

    def predict(self, quality: float, signals: Mapping[str, float]) -> float | None:
        """Return the calibrated probability; None where over half of its signals are missing."""
        if not self.head.knows(signals):
            return None
        score = sigmoid(self.head.log_odds(quality, signals))
        return float(self.calibrator.predict(np.array(score)))

    def to_json(self) -> dict[str, Any]:
        """Plain values that :meth:`from_json` reads back unchanged."""
        return {**self.head.to_json(), "calibrator": self.calibrator.to_json()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` wrote."""
        return cls(Head.from_json(value), calibrator_from_json(value["calibrator"]))


@dataclass(frozen=True, slots=True)
class ConfidenceProbe:
    """Signals of some answer, and the confidence that scikit-learn's model gave when it was fitted."""

    tier: str
    quality: float
    signals: Mapping[str, float]
    confidence: float


@dataclass(frozen=True, slots=True)
class Confidence:
    """The models of all calibrated tiers."""

    tiers: Mapping[str, TierConfidence] = field(default_factory=dict)
    probes: Sequence[ConfidenceProbe] = ()

    def predict(self, tier: str, quality: float, signals: Mapping[str, float]) -> float | None:
        """Probability in [0, 1] that the tier's answer is acceptable.

        ``quality`` is what was predicted before it ran. None: the tier was never calibrated, or
        its signals are missing. A failed validation is the caller's to heed, it overrules this.
        """
        model = self.tiers.get(tier)
        return None if model is None else model.predict(quality, signals)

    def to_json(self) -> dict[str, Any]:
        """Plain values that :meth:`from_json` reads back unchanged."""
        return {
            "tiers": {tier: model.to_json() for tier, model in self.tiers.items()},
            "probes": [[p.tier, p.quality, dict(p.signals), p.confidence] for p in self.probes],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` wrote and check its probes; ValueError where they differ."""
        confidence = cls(
            {tier: TierConfidence.from_json(model) for tier, model in value["tiers"].items()},
            tuple(ConfidenceProbe(*probe) for probe in value["probes"]),
        )
        confidence.check()
        return confidence

    def check(self) -> None:
        """Raise ValueError where a probe is answered otherwise than scikit-learn answered it."""
        for place, probe in enumerate(self.probes):
            served = self.predict(probe.tier, probe.quality, probe.signals)
            if served is None or not abs(served - probe.confidence) <= _TOLERANCE:
                raise ValueError(
                    f"confidence probe {place} of tier {probe.tier!r} gives {served}, scikit-learn gave "
                    f"{probe.confidence}; fit the artefact again with this version"
                )
