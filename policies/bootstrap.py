"""How far a figure would move on other records of the same kind: the bootstrap, by group.

A figure is given as a function of weights on the records, so that a thousand resamples are a few
array operations and every figure of one table sees the same resamples. Knows no figure by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from policies.odds import Floats

Measure = Callable[[Floats], Floats]
"""Takes weights float64 (resamples, n), gives one value a resample; NaN where there is none."""

_CHUNK = 50


@dataclass(frozen=True, slots=True)
class Figure:
    """A value and its 95 % interval [low, high]; None: not measurable on these records."""

    value: float | None
    low: float | None = None
    high: float | None = None

    def to_json(self) -> dict[str, float | list[float] | None]:
        """As an object: ``value`` and ``interval``."""
        interval = None if self.low is None or self.high is None else [self.low, self.high]
        return {"value": self.value, "interval": interval}


def resample_weights(groups: Sequence[str], *, count: int, seed: int) -> Floats:
    """How often each record is drawn: float64 (count, n), groups drawn whole and with replacement."""
    names, place = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(names), np.full(len(names), 1.0 / len(names)), size=count)
    return drawn[:, place].astype(np.float64)


def figure(measure: Measure, weights: Floats) -> Figure:
    """Give the value on the records as they are, and the percentile interval over ``weights``.

    Efron and Tibshirani, An Introduction to the Bootstrap (1993), section 13.3. Resamples on which
    the figure cannot be measured are left out.
    """
    value = float(measure(np.ones((1, weights.shape[1])))[0])
    if not np.isfinite(value):
        return Figure(None)
    chunks = [measure(weights[start : start + _CHUNK]) for start in range(0, len(weights), _CHUNK)]
    values = np.concatenate(chunks) if chunks else np.empty(0)
    known = values[np.isfinite(values)]
    if not len(known):
        return Figure(value)
    low, high = np.percentile(known, [2.5, 97.5])
    return Figure(value, float(low), float(high))
