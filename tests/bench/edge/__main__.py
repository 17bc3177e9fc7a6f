"""The edge tier beside the other ways to serve the same model: ``python -m tests.bench.edge``.

Serves one random-weight model in the shape of Qwen3-0.6B (Q4_0, output head Q8_0) by Upshift over
gRPC, with log-probabilities of every token; by llama-cpp-python's own server, tuned; by its example
server; and by llama.cpp's llama-server, built from the same sources. Each has processes of its own
and as many threads as there are cores; one that cannot be had is left out, and the report says why.
The questions come from this one process, which takes its share of the same cores (a column of the
table). Then Upshift's features, each beside the same server without it. Prints tables, the marks
that are met and missed, and one JSON object as the last line.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from pathlib import Path
from tempfile import mkdtemp

from backends.cores import core_count
from router.cli.screen import screen
from tests.bench.edge.report import json_of, print_figures
from tests.bench.edge.run import Plan, Run

_QUICK = Plan(stream_counts=(1, 4, 8), round_count=1)


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    folder, started = Path(mkdtemp(prefix="upshift-bench-")), time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - started:5.0f} s  {what}", file=sys.stderr, flush=True)

    say(f"the servers' logs are in {folder}")
    if os.getloadavg()[0] > 0.3 * core_count():
        say(f"the load is {os.getloadavg()[0]:.1f} already: the figures will be too low, and noisy")
    figures = asyncio.run(Run(_plan(arguments), folder, say).measure())
    say("done")
    if not arguments.json:
        print_figures(figures, screen())
    print(json.dumps(json_of(figures)))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.edge", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round, up to 8 streams: two minutes")
    parser.add_argument("--json", action="store_true", help="print the JSON object alone")
    parser.add_argument("--streams", type=int, nargs="+", metavar="N", help="numbers of streams; 1 4 8 16")
    parser.add_argument("--rounds", type=int, help="rounds of each comparison; 3")
    parser.add_argument("--no-features", action="store_true", help="compare the servers only")
    return parser.parse_args()


def _plan(arguments: argparse.Namespace) -> Plan:
    base = _QUICK if arguments.quick else Plan()
    return Plan(
        tuple(arguments.streams or base.stream_counts),
        arguments.rounds or base.round_count,
        not arguments.no_features,
    )


if __name__ == "__main__":
    main()
