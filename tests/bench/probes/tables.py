"""How the figures are shown."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from router.evaluate.table import shown
from tests.bench.probes.serve import Served
from tests.bench.probes.worth import Worth


def worth_table(found: Sequence[Worth]) -> Table:
    """One row a set of probes."""
    table = Table(
        title="AUROC of the edge's confidence before and after probes, out of fold", box=SIMPLE_HEAD
    )
    for name in (
        "confidence by",
        "probes",
        "measured",
        "before",
        "after",
        "gain",
        "cost, of an answer",
        "ms",
    ):
        table.add_column(name, justify="left" if name in {"confidence by", "probes"} else "right")
    for row in found:
        cost = row.cost_usd_micros / row.answer_cost_usd_micros
        figures = (shown(figure) for figure in (row.base_auroc, row.auroc, row.gain))
        measured = f"{row.measured_count} of {row.answer_count}"
        table.add_row(row.base, row.probes, measured, *figures, f"{cost:.1f} x", f"{row.latency_ms:.0f}")
    return table


def served_table(found: Sequence[Served]) -> Table:
    """One row a way to serve."""
    table = Table(title="Edge and frontier, served", box=SIMPLE_HEAD)
    for name in ("", "right", "cost, millionths of $", "shifted up", "probed", "p50 ms"):
        table.add_column(name, justify="right" if name else "left")
    for row in found:
        table.add_row(
            row.label,
            f"{row.share_right:.1%}",
            f"{row.cost_usd_micros:.1f}",
            f"{row.share_shifted_up:.1%}",
            f"{row.share_probed:.1%}",
            f"{row.latency_ms:.0f}",
        )
    return table
