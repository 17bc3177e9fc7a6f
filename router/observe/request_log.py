"""A line for every request that has ended: its way and its account, never what was asked or answered."""

from __future__ import annotations

import logging

from router.observe.run import Run

_LOG = logging.getLogger("upshift.requests")


def log_run(run: Run) -> None:
    """Write the line; its fields are in ``record.fields`` too, for formatters that keep them apart."""
    if not _LOG.isEnabledFor(logging.INFO):
        return
    fields = _Fields(_fields(run))
    # Made by hand: looking for the line of code that logs costs more than all else, and it is this one.
    place = (__file__, 0, "request %s", (fields,), None)
    _LOG.handle(_LOG.makeRecord(_LOG.name, logging.INFO, *place, extra={"fields": fields}))


class _Fields(dict[str, object]):
    """Written as ``key=value`` where somebody wants text; formatters that keep them apart do not."""

    def __str__(self) -> str:
        return " ".join(f"{key}={value}" for key, value in self.items() if value is not None)


def _fields(run: Run) -> dict[str, object]:
    entry, result = run.entry, run.entry.result
    return {
        "outcome": run.outcome,
        "policy": run.policy or None,
        "tier": None if result is None else result.tier,
        "reason": None if result is None else result.reason,
        "attempts": ",".join(f"{report.tier}:{report.reason}" for report in run.attempts) or None,
        "tenant": entry.request.tenant or None,
        "input_tokens": sum(report.total_usage.input_token_count for report in run.attempts),
        "output_tokens": sum(report.total_usage.output_token_count for report in run.attempts),
        "cost_usd": sum(report.cost_usd_micros for report in run.attempts) / 1e6,
        "latency_s": round(run.latency_s, 6),
        "overhead_s": round(run.overhead_s, 6),
        "energy_j": None if run.energy is None else round(run.energy.joules, 6),
    }
