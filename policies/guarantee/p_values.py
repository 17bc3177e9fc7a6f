"""P-values against "this policy loses ``max_loss`` or more", from losses on a fresh random sample.

Decides three tests and nothing else: which one is asked, at what level, and of which policy is the
caller's. All work on arrays of policies at once. Needs SciPy; nothing that serves imports this.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import bdtr, ndtr

from policies.odds import Floats


def harm_p_value(harm_count: ArrayLike, count: int, max_loss: float) -> Floats:
    """P(Bin(count, max_loss) <= harm_count): exact for a share of harmed requests; gains do not count.

    The bound on harm survives any escalation beyond the tested policy's, since that only removes harm.
    """
    return np.asarray(bdtr(np.asarray(harm_count, np.float64), count, max_loss), np.float64)


def net_score(harm_count: ArrayLike, gain_count: ArrayLike, count: int, max_loss: float) -> Floats:
    """Score statistic T of the mean of losses that are -1, 0 or 1; far below 0 speaks for the policy.

    Nam, Biometrics 53 (1997) 1422, and Tango, Statistics in Medicine 17 (1998) 891: non-inferiority
    of paired proportions, the share of gains at its maximum likelihood under the null.
    """
    harm, gain = np.asarray(harm_count, np.float64), np.asarray(gain_count, np.float64)
    linear = (harm + gain) * (1.0 - max_loss) - 2.0 * max_loss * (count - harm)
    root = np.sqrt(linear**2 + 8.0 * count * gain * max_loss * (1.0 - max_loss))
    gain_share = np.clip((linear + root) / (4.0 * count), 0.0, (1.0 - max_loss) / 2.0)
    variance = count * (2.0 * gain_share + max_loss - max_loss**2)
    return np.asarray((harm - gain - count * max_loss) / np.sqrt(variance), np.float64)


def net_p_value(harm_count: ArrayLike, gain_count: ArrayLike, count: int, max_loss: float) -> Floats:
    """Phi(T) of :func:`net_score`: approximate, so it is held against :func:`net_level` and not delta."""
    return np.asarray(ndtr(net_score(harm_count, gain_count, count, max_loss)), np.float64)


def graded_p_value(losses: Floats, max_loss: float, bets: Floats) -> float:
    """P-value for losses of any value in [-1, 1], by betting that they stay below ``max_loss``.

    1 / max over t of the mean over bets of prod_{i <= t} (1 + bet (max_loss - loss_i)): a martingale
    under the null, by Ville's inequality (Waudby-Smith and Ramdas, JRSS-B 86 (2024), section 4).
    ``losses`` (n,) in an order fixed without looking at them; ``bets`` (m,) fixed likewise, in
    [0, 1 / (1 - max_loss)). A worse loss never lowers it.
    """
    wealth = np.cumsum(np.log1p(bets[:, None] * (max_loss - losses)), axis=1)
    best = wealth.max(axis=0)
    mixture = best + np.log(np.exp(wealth - best).mean(axis=0))
    return float(np.exp(-max(0.0, mixture.max())))


def bets_for(losses: Floats, max_loss: float) -> Floats:
    """Bets around the one that would have grown fastest on ``losses`` of another sample, (5,).

    (max_loss - mean) / (variance + (max_loss - mean)^2) is Kelly's bet to second order; half to
    double of it covers that the other sample was small.
    """
    edge = max_loss - float(losses.mean())
    kelly = edge / (float(losses.var()) + edge * edge) if edge > 0.0 else 0.0
    most = 0.9 / (1.0 - max_loss)
    # Without an edge nothing will be certified; small bets still find one that the sample hid.
    return np.clip(max(kelly, 0.05) * np.array([0.5, 0.7, 1.0, 1.4, 2.0]), 0.0, most)
