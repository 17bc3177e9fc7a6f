"""What the pages cost: ``python -m tests.bench.pages``.

Times, in CPU of this process, what listening adds to a request, and what one look at the overview takes, at
the most that is remembered. Prints a table, and as its last line one JSON object.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from backends.types import Usage
from router.events import Outcome
from router.observe.run import Run
from router.ui.charts.time import Series, stacked
from router.ui.traffic import SLICE_COUNT, SLICE_S, Traffic
from router.ui.window import Window, window_of
from tests.router.ui.runs import report, run

_TIERS = ("edge", "local", "frontier")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=200_000, help="requests that are listened to")
    count = parser.parse_args().requests
    now = [1_800_000_000.0]
    traffic = Traffic(lambda: "frontier", lambda name, usage: 7 * usage.output_token_count, lambda: now[0])
    runs = [_climb(length) for length in (1, 2, 3)]
    drawn = random.Random(0).choices(runs, weights=(7, 2, 1), k=count)

    def listen() -> None:
        step_s = SLICE_COUNT * SLICE_S / count
        for one in drawn:
            traffic.heard(one)
            now[0] += step_s

    heard_us = _cpu_s(listen) / count * 1e6
    looks = {name: _cpu_s(lambda span=span: _look(traffic, span)) * 1e3 for name, span in _SPANS.items()}  # type: ignore[misc]
    _print(heard_us, looks, count)


_SPANS = {"1 min": 60.0, "5 min": 300.0, "15 min": 900.0}


def _look(traffic: Traffic, span_s: float) -> Window:
    """Sum up and lay out, as the overview does."""
    window = window_of(traffic, span_s)
    rows = [Series(name, 0, tuple(p.per_s.get(name, 0.0) for p in window.points)) for name in _TIERS]
    stacked(rows, span_s, 560.0, 210.0)
    return window


def _climb(length: int) -> Run:
    rejected = [
        report(n + 1, _TIERS[n], Outcome.REJECTED, "low_confidence", cost=9) for n in range(length - 1)
    ]
    last = report(length, _TIERS[length - 1], Outcome.ACCEPTED, "confident", cost=99, usage=Usage(100, 50))
    return run([*rejected, last], latency_s=0.05 * length, estimates={"frontier": 800.0})


def _cpu_s(work: Callable[[], object]) -> float:
    began_s = time.process_time()
    work()
    return time.process_time() - began_s


def _print(heard_us: float, looks: dict[str, float], count: int) -> None:
    table = Table("what", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("CPU", justify="right")
    table.add_row(f"listening to one of {count:,} requests", f"{heard_us:.2f} us")
    for name, took_ms in looks.items():
        table.add_row(f"a look at the last {name}, but for the template", f"{took_ms:.2f} ms")
    Console().print(table)
    print(json.dumps({"heard_us": heard_us, "look_ms": looks}))


if __name__ == "__main__":
    main()
