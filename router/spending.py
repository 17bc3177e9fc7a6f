"""Keeps what a policy spends on average at its budget, by the price that money has in its decisions.

Each booked cost moves the logarithm of the price a little, up where it was above the budget and
down where it was below: dual descent (Balseiro, Lu, Mirrokni: The Best of Many Worlds, Operations
Research 2023). The sum of all deviations is the way the price has come, so the average deviation
vanishes as requests come in; no step is large, and the price stays within bounds. In memory only.
"""

from __future__ import annotations

import math
from threading import Lock

from policies.shadow_price import GUESSED_GAIN, ShadowPrice

_SETTLING_COUNT = 200
"""Requests in which a steady deviation by the whole budget moves the price by a factor of e."""
_PER_IN_FLIGHT = 3.0
"""The same, for each request under way: what they cost is not known yet, and a price that moves faster
than it is answered swings. An integrator behind a delay is stable below pi / 2 a delay, so with three
as long as spending falls by less than 4 % where the price rises by 1 %."""
_ROUGH_RATIO = 10.0
"""Costs of so many budgets and more are let move the price no further than this: 5 % a request."""
_FORGET = 0.999
_BOUNDS = (math.log(1e-3), 0.0)
"""Of the quality that the budget's worth of money must gain: beyond them nothing changes any more."""
_SPREAD = 0.05
"""Requests are decided at prices spread by this share, by their draw: near-ties are mixed, not flipped."""


class Spending:
    """One policy's spending. May be used from several threads.

    ``budget_usd`` is the average that a request may cost, in US dollars, above 0; ``start`` the price
    that was found on records, None: a guess.
    """

    def __init__(self, budget_usd: float, start: ShadowPrice | None = None) -> None:
        self._budget_usd = budget_usd
        self._log_price = _bounded(math.log(GUESSED_GAIN) if start is None else _first(start, budget_usd))
        self._largest = 1.0
        self._in_flight_count = 0
        self._lock = Lock()

    def began(self) -> None:
        """Take note that a request is under way; each is booked once."""
        with self._lock:
            self._in_flight_count += 1

    def price(self, draw: float) -> float:
        """Quality that a US dollar must gain, for a request whose own number is ``draw``, in [0, 1)."""
        with self._lock:
            log_price = self._log_price
        return math.exp(log_price + _SPREAD * (draw - 0.5)) / self._budget_usd

    def booked(self, cost_usd_micros: int) -> None:
        """Take in what a request has cost, answered or not."""
        budgets = cost_usd_micros / 1e6 / self._budget_usd
        with self._lock:
            self._largest = max(budgets, _FORGET * self._largest, 1.0)
            settling = max(_SETTLING_COUNT, _PER_IN_FLIGHT * self._in_flight_count)
            count = settling * max(1.0, self._largest / _ROUGH_RATIO)
            self._in_flight_count = max(0, self._in_flight_count - 1)
            self._log_price = _bounded(self._log_price + (budgets - 1.0) / count)


def _first(start: ShadowPrice, budget_usd: float) -> float:
    """Logarithm of the price to begin with: so that, over all draws, its dear share lies below the tie."""
    tied = math.log(math.sqrt(start.dear * start.cheap) * budget_usd)
    return tied - _SPREAD * (start.dear_share - 0.5)


def _bounded(log_price: float) -> float:
    return min(max(log_price, _BOUNDS[0]), _BOUNDS[1])
