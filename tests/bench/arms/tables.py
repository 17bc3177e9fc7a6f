"""How the figures are shown."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from router.evaluate.table import shown
from tests.bench.arms.live import Lived
from tests.bench.arms.offline import Pays


def offline_table(found: Sequence[Pays]) -> Table:
    """One row a weak model."""
    table = Table(title="Area under quality against cost, weak and strong, recorded", box=SIMPLE_HEAD)
    table.add_column("weak")
    for name in ("right: 1, 3, 5, strong", "hull", "routing", "with arms", "arms add", "AUROC, with samples"):
        table.add_column(name, justify="right")
    for row in found:
        qualities = " ".join(f"{value:.2f}" for value in row.quality.values())
        aurocs = " ".join(f"{value:.3f}" for value in row.auroc)
        table.add_row(row.weak, qualities, *map(shown, (row.hull, row.plain, row.armed, row.gain)), aurocs)
    return table


def live_table(found: Sequence[Lived]) -> Table:
    """One row a way to serve."""
    table = Table(title="Edge and frontier, served by cascade routing", box=SIMPLE_HEAD)
    table.add_column("a right answer is worth")
    table.add_column("")
    for name in ("right", "cost, millionths of $", "edge", "edge@3", "frontier", "p50 ms"):
        table.add_column(name, justify="right")
    for row in found:
        shares = (f"{row.shares.get(tier, 0.0):.1%}" for tier in ("edge", "edge@3", "frontier"))
        table.add_row(
            f"${row.value_usd:g}",
            "with arm" if row.with_arm else "",
            f"{row.share_right:.1%}",
            f"{row.cost_usd_micros:.1f}",
            *shares,
            f"{row.latency_ms:.0f}",
        )
    return table
