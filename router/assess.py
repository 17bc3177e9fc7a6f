"""What an answer looks like, and how sure one may be of it.

Decides nothing; it runs the signals, asks the calibrated confidence, and lets a validator's proof
overrule it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from policies.signals.base import Answer, Signal, failed_validation, measure_all
from router.attempt import Assessment


class ConfidenceModel(Protocol):
    """Turns signals into a calibrated probability that an answer is acceptable."""

    def predict(self, tier: str, quality: float, signals: Mapping[str, float]) -> float | None:
        """Confidence in [0, 1]; None for a tier that was never calibrated.

        ``quality`` is what was predicted of the tier before it ran.
        """
        ...


class Assessor:
    """Looks at answers; ``confidence`` None: nothing was calibrated."""

    def __init__(self, signals: Sequence[Signal], confidence: ConfidenceModel | None) -> None:
        self._signals = tuple(signals)
        self._confidence = confidence

    def assess(self, tier: str, quality: float, answer: Answer) -> Assessment:
        """Measure the signals of an answer and join them into a confidence."""
        signals = measure_all(self._signals, answer)
        if failed_validation(signals):
            return Assessment(signals, 0.0, failed_validation=True)
        confidence = None if self._confidence is None else self._confidence.predict(tier, quality, signals)
        return Assessment(signals, confidence)
