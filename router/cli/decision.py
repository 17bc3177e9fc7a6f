"""How a decision and its grounds are shown."""

from __future__ import annotations

import json
from dataclasses import asdict

from rich.box import SIMPLE_HEAD
from rich.table import Table

from router.cli.screen import screen
from router.events import Decided, TierEstimate


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
    # What waiting and energy cost is shown where the policy counts it.
    is_weighed = any(_beside_money(estimate) for estimate in decided.estimates)
    for name in ("predicted quality", "predicted cost", *(("waiting", "energy") if is_weighed else ())):
        table.add_column(name, justify="right")
    table.add_column("")
    for estimate in decided.estimates:
        is_first = estimate.tier == decided.tier
        note = estimate.exclusion_reason or ("first" if is_first else "")
        beside = (estimate.latency_cost_usd_micros, estimate.energy_cost_usd_micros) if is_weighed else ()
        costs = [f"${micros / 1e6:.6f}" for micros in (estimate.cost_usd_micros, *beside)]
        style = "bold green" if is_first else "dim" if estimate.exclusion_reason else None
        table.add_row(estimate.tier, f"{estimate.quality:.3f}", *costs, note, style=style)
    return table


def _beside_money(estimate: TierEstimate) -> float:
    return estimate.latency_cost_usd_micros + estimate.energy_cost_usd_micros


def _features(decided: Decided) -> Table:
    table = Table("feature, not 0", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("value; counts are ln(1 + n)", justify="right")
    for name, value in sorted(decided.features.items()):
        if value:
            table.add_row(name, f"{value:g}")
    return table
