"""A stand-in for confidence until a tier has been calibrated: how probable its tokens were.

It orders answers better than chance and says nothing of how often they are right: 0.9 here is
not a promise of 90 %. Every use leaves a mark among the signals. Calibrate as soon as a few
hundred graded answers exist.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

MARK = "uncalibrated"
"""Signal that is 1 where a confidence was not calibrated."""


def stand_in(signals: Mapping[str, float]) -> float | None:
    """Share of the votes for an elected answer, else the token probability; None without either."""
    share, others = signals.get("sample_majority_share"), signals.get("sample_count")
    if share is None or others is None:
        return token_probability(signals)
    # Laplace's rule of succession: three of three is not certainty.
    count = others + 1.0
    return (share * count + 1.0) / (count + 2.0)


def token_probability(signals: Mapping[str, float]) -> float | None:
    """Geometric mean probability of the generated tokens, in [0, 1]; None without log-probabilities."""
    mean = signals.get("logprob_mean")
    return None if mean is None else math.exp(min(mean, 0.0))
