"""A simulation as tables and sentences for people."""

from __future__ import annotations

from collections.abc import Iterator

from rich.box import SIMPLE_HEAD
from rich.table import Table

from policies.bootstrap import Figure
from router.simulate.result import Measure, Side, Simulation


def tables_of(found: Simulation) -> Iterator[Table]:
    """Old against new; and for a log, the new policy's outcome by each estimate."""
    yield _sides(found)
    if found.support is not None:
        yield _estimates(found)


def notes_of(found: Simulation) -> Iterator[str]:
    """What it rests on, what it came to, and what is missing."""
    yield f"{found.request_count:,} requests from {found.source}; intervals of 95 %"
    support = found.support
    if support is not None:
        yield (
            f"{support.label_count:,} uncertain outcomes were observed, worth "
            f"{support.effective_sample_size:,.0f} of equal weight; "
            f"{100 * support.unseen_share:.1f} % of the traffic could never have been seen"
        )
        if not found.refusals and support.labels_needed:
            yield f"about {support.labels_needed:,} more would narrow the interval to a point to either side"
    yield from found.notes
    for refusal in found.refusals:
        yield f"NOT SUPPORTED: {refusal}"


def _sides(found: Simulation) -> Table:
    outcome = "lost, points" if found.measure is Measure.LOSS else "score, points"
    table = Table("policy", box=SIMPLE_HEAD, pad_edge=False)
    for name in ("cost a request", f"% of always {found.top_tier}", outcome, "answered by, %"):
        table.add_column(name, justify="right")
    for role, side in (("old", found.old), ("new", found.new)):
        table.add_row(
            f"{role}: {side.name}",
            _shown(side.cost_usd, 1.0, "${:.6f}"),
            _shown(side.cost_share, 100.0, "{:.1f}"),
            _shown(side.outcome, 100.0, "{:.2f}"),
            _answered(side),
        )
    change = _shown(found.cost_change, 100.0, "{:+.1f}")
    table.add_row("change", f"{change} %", "", _shown(found.outcome_change, 100.0, "{:+.2f}"), "")
    return table


def _estimates(found: Simulation) -> Table:
    outcome = "lost" if found.measure is Measure.LOSS else "score"
    table = Table("estimate", f"old: {outcome}, points", f"new: {outcome}, points", box=SIMPLE_HEAD)
    names = dict.fromkeys([*found.old.estimates, *found.new.estimates])
    for name in names:
        cells = [
            _shown(side.estimates.get(name, Figure(None)), 100.0, "{:.2f}") for side in (found.old, found.new)
        ]
        table.add_row(name.replace("_", " "), *cells)
    return table


def _answered(side: Side) -> str:
    return ", ".join(f"{tier} {100 * share:.0f}" for tier, share in side.answered.items())


def _shown(figure: Figure, scale: float, form: str) -> str:
    if figure.value is None:
        return "not known"
    value = form.format(scale * figure.value)
    if figure.low is None or figure.high is None:
        return value
    return f"{value} [{form.format(scale * figure.low)}, {form.format(scale * figure.high)}]"
