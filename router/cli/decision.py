"""How a decision and its grounds are shown."""

from __future__ import annotations

import json
from dataclasses import asdict

from rich.box import SIMPLE_HEAD
from rich.table import Table

from router.cli.screen import screen
from router.events import Decided


def print_decision(decided: Decided, *, as_json: bool) -> None:
    """Print features, estimates and the decision."""
    if as_json:
        print(json.dumps(asdict(decided), ensure_ascii=False))
        return
    console = screen()
    console.print(_estimates(decided))
    console.print(_features(decided))
    console.print(f"[bold]{decided.policy}[/] tries [bold]{decided.tier}[/] first: {decided.reason}")


def _estimates(decided: Decided) -> Table:
    table = Table("tier", box=SIMPLE_HEAD, pad_edge=False)
    for name in ("predicted quality", "predicted cost"):
        table.add_column(name, justify="right")
    table.add_column("")
    for estimate in decided.estimates:
        is_first = estimate.tier == decided.tier
        note = estimate.exclusion_reason or ("first" if is_first else "")
        cost = f"${estimate.cost_usd_micros / 1e6:.6f}"
        style = "bold green" if is_first else "dim" if estimate.exclusion_reason else None
        table.add_row(estimate.tier, f"{estimate.quality:.3f}", cost, note, style=style)
    return table


def _features(decided: Decided) -> Table:
    table = Table("feature, not 0", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("value; counts are ln(1 + n)", justify="right")
    for name, value in sorted(decided.features.items()):
        if value:
            table.add_row(name, f"{value:g}")
    return table
