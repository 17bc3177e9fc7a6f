"""At which level the net score test errs no more often than it may, found exactly.

The score is only nearly normal: at level delta it can reject a true null more often than delta.
Here its error rate is computed from the trinomial distribution itself, for every share of gains,
and the level lowered until the worst of them is at most delta. Needs SciPy.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.special import bdtr, gammaln, ndtri, xlogy

from policies.guarantee.p_values import net_score
from policies.odds import Floats

_LEVELS = np.arange(1.0, 0.09, -0.05)
"""Levels tried, as shares of delta; 0.8 of it does for most sizes at delta 5 %."""
_NUISANCE_COUNT = 48
_WIDTH = 7.0
"""Standard deviations of the gain count that are summed over; beyond lies less than 1e-11."""


@lru_cache(maxsize=4096)
def net_level(count: int, max_loss: float, error_rate: float) -> float:
    """Level to hold ``net_p_value`` against, so that the test errs with ``error_rate`` at most.

    0 where none does: so few labels can never certify.
    """
    for share in _LEVELS:
        level = float(share * error_rate)
        if exact_size(count, max_loss, level) <= error_rate:
            return level
    return 0.0


def exact_size(count: int, max_loss: float, level: float) -> float:
    """Highest probability, over all shares of gains, of rejecting though the mean loss is ``max_loss``."""
    shares = np.concatenate(([0.0], np.geomspace(0.02 / count, (1.0 - max_loss) / 2.0, _NUISANCE_COUNT)))
    most = _most_harm(count, max_loss, level)
    return max(_rejection_rate(count, max_loss, float(share), most) for share in shares)


def _most_harm(count: int, max_loss: float, level: float) -> Floats:
    """Largest harm count that is still rejected, by gain count 0..count; -1: none is. By bisection."""
    gain = np.arange(count + 1.0)
    low, high = np.full(count + 1, -1.0), count - gain
    critical = ndtri(level)
    while np.any(low < high):
        middle = np.ceil((low + high) / 2.0)
        is_rejected = net_score(middle, gain, count, max_loss) <= critical
        low, high = np.where(is_rejected, middle, low), np.where(is_rejected, high, middle - 1.0)
    return low


def _rejection_rate(count: int, max_loss: float, gain_share: float, most_harm: Floats) -> float:
    """Sum of P(gains = b) P(harm <= most_harm[b] | gains = b), harm being gain_share + max_loss likely."""
    spread = _WIDTH * np.sqrt(count * gain_share) + 20.0
    first, last = max(0, int(count * gain_share - spread)), min(count, int(count * gain_share + spread))
    gain = np.arange(first, last + 1.0)
    log_binomial = gammaln(count + 1.0) - gammaln(gain + 1.0) - gammaln(count - gain + 1.0)
    chance = np.exp(log_binomial + xlogy(gain, gain_share) + xlogy(count - gain, 1.0 - gain_share))
    harm_given = min(1.0, (gain_share + max_loss) / (1.0 - gain_share))
    most = most_harm[first : last + 1]
    left = count - gain.astype(np.int64)
    rejected = np.where(most >= 0.0, bdtr(np.maximum(most, 0.0), left, harm_given), 0.0)

    return float(chance @ rejected)
