"""A request through Upshift beside LiteLLM's proxy: ``python -m tests.bench.gateway``.

Both stand before the same provider, which answers at once; each server has a process of its own, and
they take turns, so that what else the machine does falls on all alike. Prints a table, and one JSON object
as the last line. ``install_litellm.sh`` installs the proxy; without it only ours is measured.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop
from rich.console import Console
from rich.table import Table

from tests.bench.gateway.contender import Contender
from tests.bench.gateway.echo_server import echo
from tests.bench.gateway.leaving import Left, leave
from tests.bench.gateway.litellm_server import litellm
from tests.bench.gateway.trial import Measured, Terms, measure
from tests.bench.gateway.upshift_server import upshift
from tests.bench.upstream import upstream

_KINDS = {"whole": ("/short", False), "stream of 64": ("/long", True)}
"""Kinds of request: where the provider is asked, and whether clients stream."""


@contextmanager
def contenders(path: str, installed: Path) -> Iterator[list[Contender]]:
    """Start every server, before a provider of ``path``."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        provider = stack.enter_context(upstream()) + path
        found = [
            stack.enter_context(echo(folder)),
            *stack.enter_context(upshift(folder / "upshift", provider)),
        ]
        if installed.exists():
            both = (litellm(installed, folder, provider, counts=counts) for counts in (False, True))
            found += map(stack.enter_context, both)
        yield found


def median(rounds: Sequence[Measured]) -> Measured:
    """The middle of every figure."""
    names = Measured.__dataclass_fields__
    return Measured(**{name: statistics.median(getattr(one, name) for one in rounds) for name in names})


def measured(arguments: argparse.Namespace, kind: str) -> tuple[dict[str, Measured], dict[str, str]]:
    """Every contender's figures for a kind of request, and what it has switched on."""
    path, streams = _KINDS[kind]
    terms = Terms(arguments.rate, arguments.callers, arguments.seconds)
    with contenders(path, arguments.litellm) as servers:
        rounds: dict[str, list[Measured]] = {server.name: [] for server in servers}
        for _ in range(arguments.rounds):
            for server in servers:
                rounds[server.name].append(uvloop.run(measure(server, terms, streams=streams)))
        return {name: median(each) for name, each in rounds.items()}, {one.name: one.on for one in servers}


def table(kind: str, found: dict[str, Measured], on: dict[str, str], terms: argparse.Namespace) -> Table:
    """The numbers side by side."""
    title = f"{kind}: {terms.rate:g} requests/s, then {terms.callers} callers as fast as they are answered"
    shown = Table(title=title)
    for heading in ("", "switched on", "p50 ms", "p99 ms", "CPU µs/request", "requests/s a core"):
        shown.add_column(heading, justify="left" if heading in {"", "switched on"} else "right")
    for name, one in found.items():
        numbers = (one.p50_ms, one.p99_ms, one.cpu_us_per_request, one.requests_per_core_s)
        shown.add_row(name, on[name], *(f"{number:,.1f}" for number in numbers))
    return shown


def said(left: Left) -> str:
    """How soon the provider's connections ended."""
    times = f"p50 {left.p50_ms:.1f}, p99 {left.p99_ms:.1f}, at most {left.most_ms:.1f} ms"
    return f"{100 * left.share_in_time:.0f} % of the provider's connections closed within 100 ms; {times}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.gateway", description=__doc__)
    parser.add_argument("--rate", type=float, default=20.0, help="requests a second at the steady rate")
    parser.add_argument("--callers", type=int, default=8, help="callers at once after that")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each load lasts, in a round")
    parser.add_argument("--rounds", type=int, default=3, help="rounds; the median counts")
    parser.add_argument("--leavers", type=int, default=100, help="clients that leave in mid-answer")
    parser.add_argument("--litellm", type=Path, default=Path("out/litellm"), help="the proxy's environment")
    return parser.parse_args()


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    kinds = {}
    left = uvloop.run(leave(arguments.leavers))
    for kind in _KINDS:
        found, on = measured(arguments, kind)
        Console().print(table(kind, found, on, arguments))
        kinds[kind] = {name: {**asdict(one), "on": on[name]} for name, one in found.items()}
    about = {"python": platform.python_version(), "grpcio": version("grpcio")}
    Console().print(f"{left.count} clients that left over HTTP: {said(left)}")
    print(json.dumps({"rate_per_s": arguments.rate, "kinds": kinds, "left": asdict(left), **about}))


if __name__ == "__main__":
    main()
