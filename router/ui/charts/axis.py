"""From values to pixels, with ticks at round numbers."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log10


@dataclass(frozen=True, slots=True)
class Axis:
    """Values from ``low`` to ``high`` lie between the pixels ``start`` and ``end``, in either direction."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """The pixel of ``value``, to a tenth."""
        span = self.high - self.low or 1.0
        return round(self.start + (value - self.low) / span * (self.end - self.start), 1)

    def ticks(self, count: int = 4) -> tuple[float, ...]:
        """About ``count`` round values within the axis."""
        step = round_step((self.high - self.low) / count)
        first = ceil(self.low / step - 1e-9)
        last = floor(self.high / step + 1e-9)
        return tuple(round(place * step, 12) for place in range(first, last + 1))


def round_step(step: float) -> float:
    """The next 1, 2 or 5 times a power of ten that is no less than ``step``."""
    if step <= 0.0:
        return 1.0
    power = 10.0 ** floor(log10(step))
    return next(nice * power for nice in (1.0, 2.0, 5.0, 10.0) if nice * power >= step * (1 - 1e-9))


def from_zero(highest: float, start: float, end: float, count: int = 4) -> Axis:
    """An axis from 0 to the round value above ``highest``; to 1 where there is nothing."""
    if highest <= 0.0:
        return Axis(0.0, 1.0, start, end)
    step = round_step(highest / count)
    return Axis(0.0, ceil(highest / step - 1e-9) * step, start, end)
