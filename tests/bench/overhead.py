"""What the router adds to a call: ``python -m tests.bench.overhead``.

Serves echo tiers (which cost nothing themselves) and, beside it, a bare grpc.aio server with the same
messages; asks both at a steady rate and then as fast as they can answer. Prints a table, and one
JSON object as the last line. The load comes from this process, the servers have theirs.
"""

from __future__ import annotations

import argparse
import json
import platform
from dataclasses import asdict, dataclass
from pathlib import Path

import grpc
import uvloop
from rich.console import Console
from rich.table import Table
from upshift.v1 import router_pb2
from upshift.v1.router_pb2_grpc import RouterServiceStub

from router.rpc.client.question import asking
from tests.bench.load import closed_loop, open_loop
from tests.bench.servers import QUESTION, SERVERS, Running, running


@dataclass(frozen=True, slots=True)
class Measured:
    """One server: latency at the steady rate, then cost and throughput at saturation."""

    p50_ms: float
    p99_ms: float
    cpu_us_per_request: float
    requests_per_s: float
    saturated_p99_ms: float

    @property
    def requests_per_core_s(self) -> float:
        """Requests that one core could serve in a second, if it did nothing else."""
        return 1e6 / self.cpu_us_per_request


async def measure(server: Running, *, rate_per_s: float, duration_s: float) -> Measured:
    """Warm ``server`` up, then load it both ways."""
    message = asking(router_pb2.GenerateRequest, QUESTION, {})
    async with grpc.aio.insecure_channel(server.address) as channel:
        stub = RouterServiceStub(channel)

        async def ask() -> object:
            return await stub.Generate(message, timeout=30.0)

        await closed_loop(ask, caller_count=8, duration_s=1.0)
        steady = await open_loop(ask, rate_per_s=rate_per_s, duration_s=duration_s)
        used_s = server.cpu_s()
        full = await closed_loop(ask, caller_count=32, duration_s=duration_s / 2)
        used_s = server.cpu_s() - used_s
    count = len(full.latencies_s)
    return Measured(
        p50_ms=steady.quantile_ms(0.5),
        p99_ms=steady.quantile_ms(0.99),
        cpu_us_per_request=1e6 * used_s / count,
        requests_per_s=count / full.elapsed_s,
        saturated_p99_ms=full.quantile_ms(0.99),
    )


def table(found: dict[str, Measured], title: str) -> Table:
    """The numbers side by side."""
    shown = Table(title=title)
    for heading in ("", "p50 ms", "p99 ms", "CPU µs/request", "requests/s", "requests/s a core"):
        shown.add_column(heading, justify="right" if heading else "left")
    for name, one in found.items():
        shown.add_row(
            name,
            f"{one.p50_ms:.2f}",
            f"{one.p99_ms:.2f}",
            f"{one.cpu_us_per_request:.0f}",
            f"{one.requests_per_s:.0f}",
            f"{one.requests_per_core_s:.0f}",
        )
    bare, ours = found["bare gRPC"], found["upshift"]
    added_cpu = ours.cpu_us_per_request - bare.cpu_us_per_request
    added = (ours.p50_ms - bare.p50_ms, ours.p99_ms - bare.p99_ms)
    shown.add_section()
    shown.add_row("added", f"{added[0]:.2f}", f"{added[1]:.2f}", f"{added_cpu:.0f}", "", "")
    return shown


def report(found: dict[str, Measured], rate_per_s: float) -> dict[str, object]:
    """The numbers for machines."""
    bare, ours = found["bare gRPC"], found["upshift"]
    return {
        "rate_per_s": rate_per_s,
        "added_p50_ms": ours.p50_ms - bare.p50_ms,
        "added_p99_ms": ours.p99_ms - bare.p99_ms,
        "requests_per_core_s": ours.requests_per_core_s,
        # On a machine that is busy with other things only this ratio is worth something.
        "cpu_ratio": ours.cpu_us_per_request / bare.cpu_us_per_request,
        "servers": {name: asdict(one) for name, one in found.items()},
        "python": platform.python_version(),
        "grpcio": grpc.__version__,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.overhead", description=__doc__)
    parser.add_argument("--rate", type=float, default=200.0, help="requests a second at the steady rate")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long the steady rate lasts")
    parser.add_argument("--profile", type=Path, help="write cProfile statistics of the router here and stop")
    arguments = parser.parse_args()
    if arguments.profile:
        with running("upshift", profile=arguments.profile) as server:
            uvloop.run(measure(server, rate_per_s=arguments.rate, duration_s=arguments.seconds))
        return
    found = {}
    for kind in SERVERS:
        with running(kind) as server:
            work = measure(server, rate_per_s=arguments.rate, duration_s=arguments.seconds)
            found[kind] = uvloop.run(work)
    title = f"{arguments.rate:.0f} requests/s of 1 KB, then 32 callers as fast as they are answered"
    Console().print(table(found, title))
    print(json.dumps(report(found, arguments.rate)))


if __name__ == "__main__":
    main()
