"""The one path of policies from the safest to the cheapest, chosen before certifying labels are seen.

Decides which of many settings of one knob are worth a test. Testing them in a fixed order needs no
correction for their number, so the path may be long; each must be cheaper than the one before.
"""

from __future__ import annotations

import numpy as np

from policies.odds import Floats

MAX_STEPS = 40
"""Measured on made-up traffic: 60 save no more, 15 save a tenth less, and each must be replayed."""
_HOPELESS = 3.0
"""A path ends where design loss is this many standard errors over the bound."""


def choose_path(
    losses: Floats, costs: Floats, top_cost: float, max_loss: float, *, step_count: int = MAX_STEPS
) -> tuple[int, ...]:
    """Choose columns of ``losses`` (n, settings), safest first, by design labels.

    ``costs`` (settings,) are mean costs, ``top_cost`` that of always asking the top tier; columns
    come ordered from the safest setting to the cheapest. Settings that save nothing more are left
    out, as is all beyond the first hopeless one; of too many, those are kept that saving spaces evenly.
    """
    kept: list[int] = []
    cheapest = top_cost
    for column in range(losses.shape[1]):
        if is_hopeless(losses[:, column], max_loss):
            break
        if costs[column] < cheapest - 1e-12:
            kept.append(column)
            cheapest = float(costs[column])
    return _thinned(kept, costs, step_count)


def is_hopeless(losses: Floats, max_loss: float) -> bool:
    """Whether design losses (n,) are so far over the bound that no test of them will pass."""
    error = losses.std() / np.sqrt(len(losses))
    return bool(losses.mean() - _HOPELESS * error > max_loss)


def _thinned(kept: list[int], costs: Floats, step_count: int) -> tuple[int, ...]:
    if len(kept) <= step_count:
        return tuple(kept)
    wanted = np.linspace(costs[kept[0]], costs[kept[-1]], step_count)
    places = np.searchsorted(-costs[kept], -wanted)
    return tuple(kept[place] for place in sorted(set(np.minimum(places, len(kept) - 1).tolist())))
