"""The price of money in units of quality at which an average budget is spent, and no more.

Dekoninck, Baader, Vechev (ICML 2025), section 2: for the lambda at which the average cost passes
the budget, requests whose choices are tied at lambda are mixed, the dearest with probability
(B - c_cheap) / (c_dear - c_cheap). Refuses to know policies: it sees their average cost at a price.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

GUESSED_GAIN = 0.05
"""Quality, of 1, that an average budget's worth of money must gain, where no price was found yet."""
_RATIO = 1.001
"""Bounds of the price that are nearer than this count as one price, and requests between them as tied."""


@dataclass(frozen=True, slots=True)
class ShadowPrice:
    """Quality, of 1, that a US dollar must gain: ``dear`` just below the price sought, ``cheap`` just above.

    ``dear_share`` of the requests are decided at ``dear``, where more is spent, the others at ``cheap``.
    """

    dear: float
    cheap: float
    dear_share: float

    def at(self, draw: float) -> float:
        """The price for a request whose own number is ``draw``, in [0, 1), on traffic as it was recorded.

        The router mixes ties alike, but around a price that follows what is spent.
        """
        return self.dear if draw < self.dear_share else self.cheap

    def to_json(self) -> dict[str, Any]:
        """Plain values; the keywords of the constructor."""
        return asdict(self)


def find_shadow_price(
    mean_cost: Callable[[float], float], budget: float, bounds: tuple[float, float]
) -> ShadowPrice:
    """Search between ``bounds``, both above 0, by bisection; about 25 calls for a factor of a million.

    ``mean_cost(price)`` is the average cost of a request in the budget's unit, falling in the price.
    A budget that pays for everything, or not for the cheapest, ends at a bound.
    """
    dear, cheap = bounds
    most, least = mean_cost(dear), mean_cost(cheap)
    if most <= budget:
        return ShadowPrice(dear, dear, 1.0)
    if least >= budget:
        return ShadowPrice(cheap, cheap, 0.0)
    while cheap > _RATIO * dear:
        middle = math.sqrt(dear * cheap)
        cost = mean_cost(middle)
        if cost > budget:
            dear, most = middle, cost
        else:
            cheap, least = middle, cost
    return ShadowPrice(dear, cheap, dear_share(budget, least, most))


def dear_share(budget: float, cheap: float, dear: float) -> float:
    """Share of requests to decide dearly so that ``budget`` is spent, in [0, 1]."""
    return min(max((budget - cheap) / (dear - cheap), 0.0), 1.0) if dear > cheap else 1.0
