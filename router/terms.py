"""What a tier that routes by itself is told of the request that it gets."""

from __future__ import annotations

from dataclasses import replace

from backends.types import Terms
from router.budget import Budget
from router.plan import Plan
from router.request import Request
from router.traceparent import Span


def terms_of(plan: Plan, budget: Budget | None = None) -> Terms:
    """The terms of an attempt that has begun: what ``plan`` demands, and what ``budget`` leaves.

    ``budget`` None: the attempt is nobody's to pay but the house's.
    """
    money = attempts = None
    if budget is not None:
        money, attempts = budget.money_left_usd_micros(), budget.attempts_left()
    return replace(
        plan.request.prompt.terms,
        min_confidence=plan.constraints.min_confidence,
        max_cost_usd_micros=money,
        # The attempt that has begun is one of them.
        max_attempt_count=None if attempts is None else attempts + 1,
        traceparent=_traceparent(plan.request, budget),
    )


def _traceparent(request: Request, budget: Budget | None) -> str:
    """The span that a tier's own are below: the attempt's, where this node tells of it."""
    span = Span.parse(request.traceparent) if request.is_traced and budget is not None else None
    if span is None or budget is None or not span.is_sampled:
        return request.traceparent
    return str(span.attempt(budget.attempt_count))
