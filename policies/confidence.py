"""How sure one may be of an answer: a tier's signals turned into a calibrated probability.

Decides what is said of an answer that exists. Refuses to invent: a tier that was never calibrated,
or an answer without the signals it was calibrated on, has no confidence. Serves without
scikit-learn, checked against it by probes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from policies.calibration import Calibrator, calibrator_from_json
from policies.logistic import Logistic
from policies.odds import Floats, logit, sigmoids

SIGNAL_EDGE = 4.0
"""Standard deviations at which a signal is cut."""
_COMPRESSION = 20.0
_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class TierConfidence:
    """The model of one tier.

    ``names`` are the signals it reads, in order; ``mean`` and ``scale`` (signals,) of their
    compressed values. ``logistic`` takes :meth:`inputs`, ``calibrator`` its probability.
    """

    names: tuple[str, ...]
    mean: Floats
    scale: Floats
    logistic: Logistic
    calibrator: Calibrator

    def inputs(self, quality: float, signals: Mapping[str, float]) -> Floats:
        """Return float64 (1 + 2 * signals,): logit of the predicted quality, signals, their squares.

        A signal that is missing takes its mean.
        """
        values = np.array([compress(signals[name]) if name in signals else math.nan for name in self.names])
        scaled = np.clip((values - self.mean) / self.scale, -SIGNAL_EDGE, SIGNAL_EDGE)
        scaled[np.isnan(scaled)] = 0.0
        return np.concatenate(([logit(quality)], scaled, scaled * scaled))

    def predict(self, quality: float, signals: Mapping[str, float]) -> float | None:
        """Return the calibrated probability; None where over half of its signals are missing."""
        if 2 * sum(name in signals for name in self.names) < len(self.names):
            return None
        score = sigmoids(self.logistic.log_odds(self.inputs(quality, signals)))
        return float(self.calibrator.predict(score))

    def to_json(self) -> dict[str, Any]:
        """Plain values that :meth:`from_json` reads back unchanged."""
        return {
            "names": list(self.names),
            "mean": self.mean.tolist(),
            "scale": self.scale.tolist(),
            "logistic": self.logistic.to_json(),
            "calibrator": self.calibrator.to_json(),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` wrote."""
        return cls(
            tuple(value["names"]),
            np.asarray(value["mean"], np.float64),
            np.asarray(value["scale"], np.float64),
            Logistic.from_json(value["logistic"]),
            calibrator_from_json(value["calibrator"]),
        )


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


def compress(value: float) -> float:
    """Draw large values in and small ones apart, keeping the sign: ln(1 + 20 |v|).

    Log-probabilities of -0.01, -0.1, -1 and -10 become -0.2, -1.1, -3.0 and -5.3.
    """
    return math.copysign(math.log1p(_COMPRESSION * abs(value)), value)
