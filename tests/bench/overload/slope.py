"""By how much a figure grows over its measurements: a line that single jumps do not bend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import theilslopes

_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Growth:
    """Mean, growth from the first to the last measurement, and its 95 % interval, as shares of the mean."""

    mean: float
    share: float
    least_share: float
    most_share: float


def growth(times_s: Sequence[float], values: Sequence[float]) -> Growth:
    """The median of the slopes between all pairs: Sen, 1968, J. Am. Stat. Assoc. 63, 1379.

    The interval takes measurements for independent; those of memory are not, so it is too narrow.
    """
    mean = sum(values) / len(values)
    whole = (times_s[-1] - times_s[0]) / mean
    slope, _, least, most = theilslopes(values, times_s, _CONFIDENCE)
    return Growth(mean, slope * whole, least * whole, most * whole)
