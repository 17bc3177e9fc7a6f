"""What a server stands: ``python -m tests.bench.overload``.

Ten times the load that its tier can do, SIGTERM under load, callers that leave, load that goes on, and
kill -9 while it writes. Prints a table, and one JSON object as the last line. The full measure:
``--seconds 30 --soak-minutes 30 --kills 100``. The server has a process of its own, the load comes from here.
"""

from __future__ import annotations

import argparse
import json
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import grpc
import uvloop
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tests.bench.overload.killing import Killed, kill
from tests.bench.overload.money import Money
from tests.bench.overload.process import Counted, Forked
from tests.bench.overload.server import Server
from tests.bench.overload.slope import Growth
from tests.bench.overload.soak import Soaked, soak
from tests.bench.overload.stopping import Drained, Left, Provider, drain, leave
from tests.bench.overload.tenfold import Tenfold, measure
from tests.chat_server import serve


@dataclass(frozen=True, slots=True)
class Found:
    """All that was measured."""

    tenfold: Tenfold
    left: Left
    drained: Drained
    soaked: Soaked
    killed: Killed


async def run(arguments: argparse.Namespace, progress: Progress) -> Found:
    """Measure one thing after the other."""
    provider = Provider()
    with TemporaryDirectory() as folder:
        async with serve(provider) as url:
            server = Server(Path(folder), provider=url)
            server.start()
            steps = progress.add_task("ten times the load", total=3)
            tenfold = await measure(server, arguments.seconds)
            progress.update(steps, advance=1, description="callers that leave")
            left = await leave(server, provider, arguments.cancels)
            progress.update(steps, advance=1, description="SIGTERM under load")
            drained = await drain(server, min(arguments.seconds, 3.0))
            progress.update(steps, advance=1)
        server = Server(Path(folder), quick=True, launch=Counted)
        server.start()
        soaking = progress.add_task("load that goes on", total=60.0 * arguments.soak_minutes)
        soaked = await soak(
            server, arguments.soak_minutes, lambda done_s: progress.update(soaking, completed=done_s)
        )
        server.terminate()
        server.wait()
    # A journal of its own: that of half an hour of load would take minutes to read after every kill.
    with TemporaryDirectory() as folder:
        server = Server(Path(folder), quick=True, launch=Forked)
        killing = progress.add_task("kill -9", total=arguments.kills)
        killed = await kill(server, arguments.kills, lambda: progress.advance(killing))
    return Found(tenfold, left, drained, soaked, killed)


def table(found: Found) -> Table:
    """The numbers for people, beside what is asked of them."""
    tenfold, left, drained, soaked, killed = (
        found.tenfold,
        found.left,
        found.drained,
        found.soaked,
        found.killed,
    )
    money = killed.money
    shown = Table(title=f"a tier of {tenfold.peak_per_s:.0f} answers/s")
    for heading in ("", "measured", "wanted"):
        shown.add_column(heading, justify="left" if not heading else "right")
    for row in (
        ("goodput at 10 times the load, of the peak", f"{100 * tenfold.goodput_share:.0f} %", ">= 90 %"),
        ("p99 of those who get in, of the unloaded", f"{tenfold.p99_ratio:.2f} x", "<= 2 x"),
        ("rejections, p50", _ms(tenfold.refused_p50_ms), "< 5 ms"),
        ("rejections, p90", _ms(tenfold.refused_p90_ms), "< 5 ms"),
        ("rejections, p99 (who waited in vain)", _ms(tenfold.refused_p99_ms), ""),
        ("answered of high / low priority", _shares(tenfold), ""),
        ("cancellation to the provider's socket, p99", _ms(left.p99_ms), "< 100 ms"),
        ("lost at SIGTERM, of those in flight", f"{drained.lost_count} of {drained.in_flight_count}", "0"),
        (
            f"memory held, after {soaked.minutes:g} min and {soaked.request_count:,} requests",
            _growth(soaked.held_bytes),
            "< 1 %",
        ),
        ("memory in use, Python's blocks", _growth(soaked.block_count), "< 1 %"),
        ("memory in use, C's bytes", _growth(soaked.malloc_bytes), "< 1 %"),
        (f"journals broken by {killed.kill_count} kill -9", str(killed.broken_count), "0"),
        (
            "scores forgotten, of those acknowledged",
            f"{killed.forgotten_count} of {killed.acknowledged_count}",
            "0",
        ),
        ("dollars lost, of those that answers cost", _usd(money.lost_usd_micros, money), "0"),
        ("dollars beyond what can have been spent", _usd(money.doubled_usd_micros, money), "0"),
        ("dollars still held by the dead", _usd(money.held_usd_micros, money), "0"),
    ):
        shown.add_row(*row)
    return shown


def _ms(value: float | None) -> str:
    return "none" if value is None else f"{value:.1f} ms"


def _growth(found: Growth) -> str:
    return f"{100 * found.share:+.2f} % ({100 * found.least_share:+.2f} to {100 * found.most_share:+.2f})"


def _usd(usd_micros: int, money: Money) -> str:
    return f"{usd_micros / 1e6:.6f} of {money.answered_usd_micros / 1e6:.4f}"


def _shares(tenfold: Tenfold) -> str:
    return f"{100 * tenfold.answered_share_high:.0f} % / {100 * tenfold.answered_share_low:.0f} %"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.overload", description=__doc__)
    parser.add_argument("--seconds", type=float, default=6.0, help="how long each load lasts")
    parser.add_argument("--cancels", type=int, default=50, help="calls that are cancelled")
    parser.add_argument("--soak-minutes", type=float, default=0.5, help="how long load goes on")
    parser.add_argument("--kills", type=int, default=3, help="how often the server is killed")
    arguments = parser.parse_args()
    console = Console()
    with Progress(console=Console(stderr=True), transient=True) as progress:
        found = uvloop.run(run(arguments, progress))
    console.print(table(found))
    machine = {"python": platform.python_version(), "grpcio": grpc.__version__}
    ratios = {"goodput_share": found.tenfold.goodput_share, "p99_ratio": found.tenfold.p99_ratio}
    print(json.dumps({**asdict(found), **ratios, **machine}))


if __name__ == "__main__":
    main()
