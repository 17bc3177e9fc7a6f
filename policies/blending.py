"""How much of the word two models get, told by their losses on records that neither saw.

Half each is the guess that is seldom far off; noise alone moves it no further.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from policies.odds import Floats

SHARES = (0.0, 0.5, 1.0)
"""Weights of the second model that are compared; a finer choice would be one of noise."""


def choose_share(losses: Mapping[float, Floats]) -> float:
    """Give the share whose losses (n,) are lowest on average, if it beats 0.5 by a standard error; else 0.5.

    The rule of one standard error: Breiman, Friedman, Olshen, Stone: Classification and Regression
    Trees (1984), section 3.4.3, here on paired differences.
    """
    if not len(losses[0.5]):
        return 0.5
    best = min(losses, key=lambda share: float(losses[share].mean()))
    saved = losses[0.5] - losses[best]
    error = float(saved.std()) / np.sqrt(len(saved))
    return best if float(saved.mean()) > error else 0.5
