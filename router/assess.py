"""What an answer looks like, and how sure one may be of it.

Runs the signals, costly ones only where their result can change what is decided, asks the calibrated
confidence, and lets a validator's proof overrule it; where a form was asked for that no validator could
check, nothing vouches for the answer. Nothing was calibrated on calls of tools, so an answer that makes some
has no calibrated confidence, and counts with what was predicted of its tier. Where a tier was never
calibrated and the configuration allows it, its tokens' probability stands in. What needs further model calls
is the prober's, which the loop lets look at an answer after this.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from policies.signals.base import Answer, Signal, failed_validation, was_validated
from policies.signals.order import in_order, measure_while
from policies.uncalibrated import MARK, stand_in
from router.attempt import Assessment
from router.probing import Prober


class ConfidenceModel(Protocol):
    """Turns signals into a calibrated probability that an answer is acceptable."""

    def predict(self, tier: str, quality: float, signals: Mapping[str, float]) -> float | None:
        """Confidence in [0, 1]; None for a tier that was never calibrated.

        ``quality`` is what was predicted of the tier before it ran.
        """
        ...


class Assessor:
    """Looks at answers.

    ``confidence`` None: nothing was calibrated. ``allow_uncalibrated``: token probability stands in
    where there is no calibrated confidence, marked so among the signals. ``prober`` None: no probes.
    ``measures_all``: costly signals run whatever they could change, to learn from them.
    """

    def __init__(
        self,
        signals: Sequence[Signal],
        confidence: ConfidenceModel | None,
        *,
        allow_uncalibrated: bool = False,
        prober: Prober | None = None,
        measures_all: bool = False,
    ) -> None:
        self.prober = prober
        self._signals = in_order(signals)
        self._measures_all = measures_all
        self._confidence = confidence
        self._allow_uncalibrated = allow_uncalibrated

    def assess(
        self,
        tier: str,
        quality: float,
        answer: Answer,
        is_worth: Callable[[float], bool] | None = None,
    ) -> Assessment:
        """Measure the signals of an answer and join them into a confidence.

        ``is_worth`` says of a signal that takes so many microseconds whether its result can change what
        is decided; it is asked of costly ones only. None: all run.
        """
        asked = None if self._measures_all else is_worth
        signals = measure_while(self._signals, answer, lambda signal: asked is None or asked(signal.cost_us))
        if failed_validation(signals):
            return Assessment(signals, 0.0, failed_validation=True)
        if answer.prompt.response_format is not None and not was_validated(signals):
            # Not proven wrong, but nobody could tell; it must not pass for right.
            return Assessment(signals, 0.0)
        confidence = None
        if self._confidence is not None and not answer.tool_calls:
            confidence = self._confidence.predict(tier, quality, signals)
        if confidence is None and self._allow_uncalibrated:
            confidence = stand_in(signals)
            signals[MARK] = 1.0
        return Assessment(signals, confidence)
