"""What a request may cost, before it runs: pure, from its plan."""

from __future__ import annotations

from dataclasses import dataclass

from backends.types import Usage
from router.budget import Allowance, Budget
from router.ladder import Ladder
from router.plan import Plan, Rung


@dataclass(frozen=True, slots=True)
class PriceRange:
    """Money in millionths of a US dollar: what the cheapest tier takes to be tried, and the most of all."""

    least_usd_micros: int
    most_usd_micros: int


def price_range(plan: Plan) -> PriceRange | None:
    """Say what ``plan`` may cost; None: none of its tiers can be tried, by its own limits.

    The most is every tier's answer at its full length, within what the request itself allows: no more is
    ever spent, and with so much no tier is left out for want of money.
    """
    usable = [rung for rung in plan.rungs if rung.exclusion_reason is None]
    limit = plan.constraints.max_cost_usd_micros
    ladder = Ladder(plan, Budget(Allowance(), lambda: 0.0))
    least = min(map(ladder.money_to_try_usd_micros, usable), default=None)
    if least is None or (limit is not None and limit < least):
        return None
    most = sum(map(_worst_usd_micros, usable))
    return PriceRange(least, most if limit is None else min(most, limit))


def expected_token_count(plan: Plan) -> int:
    """Tokens read and written that the first tier to try is expected to take; 0 where there is none."""
    for rung in plan.rungs:
        if rung.exclusion_reason is None:
            return rung.input_token_count + round(rung.estimate.output_token_count)
    return 0


def _worst_usd_micros(rung: Rung) -> int:
    return rung.tier.price.cost_usd_micros(Usage(rung.input_token_count, rung.output_token_limit))
