"""Runs that never ran, for what listens to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backends.types import FinishReason, Usage
from router.events import AttemptReport, Decided, Outcome, Result, TierEstimate
from router.journal import JournalEntry
from router.observe.run import Run
from tests.router.conftest import ask


def report(
    number: int, tier: str, outcome: Outcome, reason: str, *, cost: int = 0, usage: Usage | None = None
) -> AttemptReport:
    """An attempt's account."""
    return AttemptReport(number, tier, outcome, reason, 0.5, {}, usage or Usage(), cost, 0.1, 0.05)


def run(
    reports: Sequence[AttemptReport],
    *,
    latency_s: float = 0.1,
    estimates: Mapping[str, float] | None = None,
    error: str | None = None,
) -> Run:
    """A request that took these attempts; ``error`` None: the last one answered it."""
    last = reports[-1]
    predicted = tuple(TierEstimate(name, 0.9, cost) for name, cost in (estimates or {}).items())
    decided = Decided("default", reports[0].tier, "cheapest", predicted)
    result = Result(
        request_id="request",
        text="text",
        reasoning="",
        tier=last.tier,
        policy="default",
        confidence=0.9,
        reason=last.reason,
        finish_reason=FinishReason.STOP,
        attempt_number=last.number,
        attempts=tuple(reports),
        usage=Usage(),
        cost_usd_micros=sum(one.cost_usd_micros for one in reports),
        latency_s=latency_s,
    )
    entry = JournalEntry(ask(), decided, None if error else result, tuple(reports), error)
    return Run(entry, tuple(reports), None, 0.0, latency_s, ())
