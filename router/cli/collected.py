"""A collection as a table and sentences for people."""

from __future__ import annotations

from collections.abc import Iterator

from rich.box import SIMPLE_HEAD
from rich.table import Table

from router.collect.session import Collected


def table_of(collected: Collected) -> Table:
    """One row a tier."""
    table = Table("tier", box=SIMPLE_HEAD, pad_edge=False)
    for name in ("answers", "samples", "quality", "cost", "latency", "missing"):
        table.add_column(name, justify="right")
    for tier, summary in collected.tiers.items():
        quality, latency = summary.mean_quality, summary.mean_latency_s
        table.add_row(
            tier,
            f"{summary.answer_count:,}",
            f"{summary.sample_count:,}",
            "–" if quality is None else f"{100 * quality:.1f} %",
            f"${summary.cost_usd:.4f}",
            "–" if latency is None else f"{1e3 * latency:.0f} ms",
            f"{summary.missing_count:,}",
        )
    return table


def notes_of(collected: Collected) -> Iterator[str]:
    """What happened, what it means, and what to do next."""
    yield f"{collected.record_count:,} of {collected.prompt_count:,} prompts: {collected.out}"
    if collected.duplicate_count:
        yield f"{collected.duplicate_count:,} of the file's lines repeat a prompt and were left out"
    yield from _grades(collected)
    yield from _gaps(collected)
    if collected.other_signals:
        yield (
            f"earlier answers of {', '.join(collected.other_signals)} were measured by other code than is "
            "there now; collect into another --out before you certify"
        )


def _grades(collected: Collected) -> Iterator[str]:
    if collected.grader is None:
        yield "nobody graded; the same command with another --grader does, and runs no tier again"
        return
    said = "; a proxy: it bounds disagreement with the top tier" if collected.grader_is_proxy else ""
    yield f"graded by {collected.grader}{said}"
    ungraded = sum(summary.ungraded_count for summary in collected.tiers.values())
    if ungraded:
        yield f"{ungraded:,} answers could not be graded and are left out"


def _gaps(collected: Collected) -> Iterator[str]:
    for tier, reason in collected.ended.given_up.items():
        yield f"{tier} was given up: it failed again and again, last with {reason}"
    if collected.ended.is_out_of_money:
        yield "the money is used up; a larger --max-cost-usd goes on from here"
    for tier, summary in collected.tiers.items():
        if summary.failures:
            reasons = ", ".join(f"{reason} ({count})" for reason, count in sorted(summary.failures.items()))
            yield f"{tier} failed: {reasons}; the same command tries again"
