"""A time without a feature and with it, measured in turn, so that both have the same machine."""

from __future__ import annotations

import statistics
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

Measure = Callable[[int], Awaitable[float]]
"""Takes the number of the round, which makes its prompts, and gives seconds."""

_WARM_UP_COUNT = 2


@dataclass(frozen=True, slots=True)
class Pairs:
    """Seconds without and with the feature, a pair for each round."""

    without_s: tuple[float, ...]
    with_s: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """Median over the rounds of the time with it by the time without."""
        return statistics.median(w / o for w, o in zip(self.with_s, self.without_s, strict=True))


async def in_turn(without: Measure, with_it: Measure, round_count: int) -> Pairs:
    """Measure both each round; two more before warm up, and let the server learn what pays."""
    rounds = range(-_WARM_UP_COUNT, round_count)
    measured = [(await without(number), await with_it(number)) for number in rounds][_WARM_UP_COUNT:]
    return Pairs(tuple(pair[0] for pair in measured), tuple(pair[1] for pair in measured))
