"""``upshift tiers``: the tiers of a running server and how they do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.cli import parameters as given

if TYPE_CHECKING:
    from rich.table import Table

    from router.tiers import TierStatus

EPILOG = """
**Examples**

`upshift tiers` asks the server on this machine.

`upshift tiers --json | jq '.tiers[] | select(.ready | not) | .name'` names those that are down.
"""


_NUMBERS = ("$/M in", "$/M out", "busy", "waiting")


def tiers(server: given.Server = given.DEFAULT_SERVER, json: given.Json = False) -> None:
    """Show every tier: what runs it, whether it is ready, what it costs, and how busy it is."""
    from router.rpc.client import Client

    with Client(server) as client:
        found = client.list_tiers()
    if json:
        _print_json(found)
    else:
        from router.cli.screen import screen

        screen().print(_table(found))


def _print_json(found: tuple[TierStatus, ...]) -> None:
    from dataclasses import asdict
    from json import dumps

    print(dumps({"tiers": [asdict(tier) for tier in found]}, ensure_ascii=False))


def _table(found: tuple[TierStatus, ...]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table("tier", "state", "model", "runs", box=SIMPLE_HEAD, pad_edge=False)
    for name in _NUMBERS:
        table.add_column(name, justify="right")
    for tier in found:
        table.add_row(
            tier.name,
            "[green]ready[/]" if tier.ready else "[red]unavailable[/]",
            f"{tier.model} [dim]{tier.backend}[/]",
            "elsewhere" if tier.external else "here",
            f"{tier.input_price_usd_micros_per_million / 1e6:g}",
            f"{tier.output_price_usd_micros_per_million / 1e6:g}",
            str(tier.in_flight_count),
            str(tier.queued_count),
        )
    return table
