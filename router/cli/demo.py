"""``upshift demo``: three real tiers, fresh requests over gRPC, and what routing saves on them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from router.cli import parameters as given
from router.cli.failure import Fault

if TYPE_CHECKING:
    from rich.table import Table

    from router.demo.run import Outcome

EPILOG = """
**Examples**

`upshift demo` sends 300 requests five times and draws out/demo.png.

`upshift demo --requests 1000 --json` ends with one JSON object.
"""

_RUN_COUNT = 5

Requests = Annotated[
    int, typer.Option("--requests", "-n", min=20, help="Fresh requests to send in each run.")
]
Seed = Annotated[int | None, typer.Option(help="Which requests are drawn; unset: new ones every time.")]
Picture = Annotated[Path, typer.Option(metavar="FILE", help="Where the cost-quality picture goes.")]
DemoConfig = Annotated[Path, typer.Option("--config", "-c", metavar="FILE", help="The pocket configuration.")]


def demo(
    requests: Requests = 300,
    seed: Seed = None,
    picture: Picture = Path("out/demo.png"),
    config: DemoConfig = Path("examples/pocket.yaml"),
    json: given.Json = False,
) -> None:
    """Run three real model tiers, route fresh requests over gRPC, and show what it saves."""
    import asyncio
    import secrets

    seed = secrets.randbelow(1 << 31) if seed is None else seed
    if not config.exists():
        raise Fault(f"{config} is not there; the demo runs in a checkout of the repository")
    outcome = asyncio.run(_run(config, requests, seed))
    _draw(outcome, picture)
    if json:
        from json import dumps

        print(dumps(outcome.to_json() | {"seed": seed, "picture": str(picture)}))
        return

    from router.cli.screen import screen

    console = screen()
    console.print(_table(outcome))
    console.print(_verdict(outcome))
    console.print(f"picture: {picture}   seed: {seed}")


async def _run(config: Path, request_count: int, seed: int) -> Outcome:
    from tempfile import TemporaryDirectory

    from router.demo.processes import ProcessFailed
    from router.demo.run import run, served
    from router.demo.traffic import DemoFailed, TasksMissing, load_tasks

    try:
        tasks = load_tasks()
        samples = list(tasks.draw(request_count, split="test", seed=seed))
        with TemporaryDirectory(prefix="upshift-demo-") as folder, _progress(request_count) as advance:
            async with served(config, Path(folder)) as client:
                return await run(client, tasks, samples, seed, advance)
    except (ProcessFailed, TasksMissing, DemoFailed) as exc:
        raise Fault(str(exc)) from exc


@contextmanager
def _progress(request_count: int) -> Iterator[Callable[[str], None]]:
    """Show how far the runs are, on standard error; the value is told each answer's run."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<16}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("starting tiers", total=_RUN_COUNT * request_count)
        yield lambda name: progress.update(bar, advance=1, description=name)


def _draw(outcome: Outcome, picture: Path) -> None:
    from router.demo.picture import draw

    try:
        draw(outcome.runs, picture)
    except ImportError:
        print("upshift: no picture without matplotlib; pip install 'upshift[plot]'", file=sys.stderr)


def _table(outcome: Outcome) -> Table:
    """Draw the runs in 80 columns."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from router.demo.run import TIERS

    full_cost_usd = outcome.runs["always_frontier"].cost_usd
    table = Table("policy", box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("right\n%", "95 %\nrange", "cost", "of\nfrontier", "p50\nms", "p95\nms"):
        table.add_column(name, justify="right")
    table.add_column("% by " + "/".join(TIERS).replace("/", "/\n", 1), justify="right")
    for name, run in outcome.runs.items():
        low, high = run.accuracy_interval
        table.add_row(
            f"[bold]{name}[/]" if name == "upshift" else name,
            f"{100 * run.accuracy:.1f}",
            f"{100 * low:.0f}–{100 * high:.0f}",
            f"${run.cost_usd:.4f}",
            f"{100 * run.cost_usd / full_cost_usd:.0f} %",
            f"{run.p50_ms:.0f}",
            f"{run.p95_ms:.0f}",
            "/".join(f"{100 * run.tier_share.get(tier, 0.0):.0f}" for tier in TIERS),
        )
    return table


def _verdict(outcome: Outcome) -> str:
    runs = outcome.runs
    upshift, top, mix = runs["upshift"], runs["always_frontier"], runs["random_mix"]
    return (
        f"Upshift: {100 * (upshift.accuracy - top.accuracy):+.1f} points against always the frontier, at "
        f"{100 * upshift.cost_usd / top.cost_usd:.0f} % of its cost; "
        f"{100 * (upshift.accuracy - mix.accuracy):+.1f} points against a random mix of equal cost."
    )
