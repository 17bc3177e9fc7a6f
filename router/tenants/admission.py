"""A request that was let in: its plan, within what its tenant has left, and what to settle when it ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from router.events import AttemptReport
from router.plan import Plan

Settle = Callable[[int, int], None]
"""Takes what a request cost, in millionths of a US dollar, and its tokens."""


@dataclass(frozen=True, slots=True)
class Admission:
    """One request's. ``settle`` has to be called once, however it ended."""

    plan: Plan
    _settlements: tuple[Settle, ...] = ()

    def settle(self, reports: Sequence[AttemptReport]) -> None:
        """Count what all attempts took, failed and cancelled ones too. Never raises."""
        if not self._settlements:
            return
        cost_usd_micros = sum(report.cost_usd_micros for report in reports)
        usages = [report.total_usage for report in reports]
        token_count = sum(usage.input_token_count + usage.output_token_count for usage in usages)
        for settle in self._settlements:
            settle(cost_usd_micros, token_count)


def within(plan: Plan, usd_micros: int) -> Plan:
    """``plan``, for a request that may spend no more than ``usd_micros``."""
    own = plan.constraints.max_cost_usd_micros
    limit = usd_micros if own is None else min(own, usd_micros)
    return replace(plan, constraints=replace(plan.constraints, max_cost_usd_micros=limit))
