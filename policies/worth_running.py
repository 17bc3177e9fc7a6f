"""Whether it is worth knowing more of an answer before it is decided on.

A policy is pure, so it can be asked what it would do: what could not change that is not worth its cost,
and what costs more than the decision it could change is not either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from policies.base import Accept, Stop, Try, Verdict


def worth_running(
    verdicts: Iterable[Verdict], cost_usd_micros: float, cost_of: Callable[[Verdict], float]
) -> bool:
    """Whether a signal should be measured, model calls or not.

    ``verdicts``: what would be decided at the confidence now, and at the ends that the signal can
    plausibly lead to. ``cost_of`` a verdict and ``cost_usd_micros`` of the signal are in millionths of a
    US dollar, waiting counted in where it counts. A signal that costs nothing need only be able to
    change what is done.
    """
    possible = list(verdicts)
    if len({act_of(verdict) for verdict in possible}) < 2:
        return False
    return cost_usd_micros <= 0.0 or cost_usd_micros < max(map(cost_of, possible))


def act_of(verdict: Verdict) -> tuple[type, str | int]:
    """What a verdict does, whatever its reason."""
    match verdict:
        case Try(tier):
            return Try, tier
        case Accept(index):
            return Accept, index
        case Stop():
            return Stop, ""
