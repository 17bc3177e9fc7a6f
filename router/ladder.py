"""Which rungs can be tried now, how far each may go, and why the others cannot.

Decides from the plan, from what was tried, and from what is left of the budget. Refuses to choose
among what is open: that is the policy's.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from backends.errors import BackendError
from backends.types import Usage
from policies.arms import is_pointless
from router.budget import Budget
from router.errors import RoutingError
from router.failure import COMES_BACK, failure
from router.plan import Plan, Rung

# How much longer than predicted an answer may get before a budget that cuts it rules its tier out.
_LENGTH_MARGIN = 2.0
# When to come back where no tier says when it will.
_RETRY_AFTER_S = 1.0
_LIMITS = ("over_budget", "no_attempts_left", "timed_out")


class Ladder:
    """The rungs of one request's plan, seen through its budget."""

    def __init__(self, plan: Plan, budget: Budget) -> None:
        self._plan = plan
        self._budget = budget
        # By tier, tokens of the prompt, and money: a request asks for each of them many times.
        self._limits: dict[tuple[str, int, int], int] = {}

    def rung(self, tier: str) -> Rung:
        """The rung of the tier called ``tier``."""
        return next(rung for rung in self._plan.rungs if rung.tier.name == tier)

    def open(self, tried: Collection[str]) -> list[Rung]:
        """Rungs that can be tried now, cheapest first; ``tried`` names tiers and arms."""
        return [
            rung
            for rung in self._plan.rungs
            if not is_pointless(rung.tier.name, tried) and self._why_closed(rung) is None
        ]

    def output_token_limit(self, rung: Rung) -> int:
        """Most tokens that the rung may generate; 0 where the money does not pay for a usual answer.

        Money is held by the worst case: what the limit allows is paid for before the tier starts.
        """
        money = self._budget.money_left_usd_micros()
        if money is None:
            return rung.output_token_limit
        key = rung.tier.name, rung.input_token_count, money
        found = self._limits.get(key)
        if found is None:
            found = self._limits[key] = self._affordable(rung, money)
        return found

    def _affordable(self, rung: Rung, money: int) -> int:
        limit = rung.output_token_limit
        paid = rung.tier.price.affordable_output_token_count(money, rung.input_token_count)
        if paid is None or paid >= limit:
            return limit
        return paid if paid >= _LENGTH_MARGIN * rung.estimate.output_token_count else 0

    def money_to_try_usd_micros(self, rung: Rung) -> int:
        """Least money with which the rung can be tried, in millionths of a US dollar."""
        count = min(rung.output_token_limit, math.ceil(_LENGTH_MARGIN * rung.estimate.output_token_count))
        return rung.tier.price.cost_usd_micros(Usage(rung.input_token_count, max(count, 1)))

    def limit_reached(self, tried: Collection[str]) -> str | None:
        """Which limit of the request keeps an untried rung closed; None where none does."""
        reasons = {
            self._why_closed(rung) for rung in self._plan.rungs if not is_pointless(rung.tier.name, tried)
        }
        return next((limit for limit in _LIMITS if limit in reasons), None)

    def failure(self, errors: Mapping[str, BackendError]) -> RoutingError:
        """The error that the request ends in; ``errors`` are those of tried tiers, by name."""
        reasons = {}
        waits_s = []
        for rung in self._plan.rungs:
            name = rung.tier.name
            reasons[name] = errors[name].reason if name in errors else self._why_closed(rung) or "passed_over"
            wait_s = getattr(errors.get(name), "retry_after_s", None) or rung.tier.guard.breaker.wait_s()
            if wait_s and reasons[name] in COMES_BACK:
                waits_s.append(wait_s)
        return failure(
            reasons, has_time=self._budget.has_time(), retry_after_s=min(waits_s, default=_RETRY_AFTER_S)
        )

    def _why_closed(self, rung: Rung) -> str | None:
        if rung.exclusion_reason is not None:
            return rung.exclusion_reason
        if not self._budget.has_attempts():
            return "no_attempts_left"
        if not self._budget.has_time():
            return "timed_out"
        return "over_budget" if self.output_token_limit(rung) < 1 else None
