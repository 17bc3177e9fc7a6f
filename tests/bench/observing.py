"""What being looked on at costs a request: ``python -m tests.bench.observing``.

One router over echo tiers, asked in this process; whoever looks on is changed between rounds, and rounds
take turns so that a busy machine disturbs all alike. CPU time of the process, exporters' threads included.
Prints a table, and one JSON object as the last line.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import platform
import time
from collections.abc import Callable, Sequence
from typing import Any

import uvloop
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from prometheus_client import CollectorRegistry
from rich.console import Console
from rich.table import Table

from backends.types import Message, Prompt, Role
from router.build import build
from router.config import parse
from router.core import Router
from router.observation import Observer, Unobserving
from router.observe.log_lines import JsonFormatter
from router.observe.metrics import Metrics
from router.observe.request_log import log_run
from router.observe.tracing import Tracing
from router.observe.watch import Sight, Watch
from router.request import Request
from tests.bench.servers import QUESTION

_CONFIG = """
version: 1
confidence: {uncalibrated: token_probability}
tiers:
  - {name: edge, backend: echo, options: {reply: "one two three", logprob: -3}, energy: {watts: 15}}
  - {name: frontier, backend: echo, options: {reply: "four five six", external: true}}
policies: [{name: default, ladder: [edge, frontier], objective: {rule: threshold, min_confidence: 0.8}}]
"""


class _Nowhere(SpanExporter):
    """Takes spans and does nothing: the wire to a collector is not ours."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.SUCCESS


def _watching(router: Router, sight: Sight, *listeners: Callable[[Any], None]) -> Watch:
    watch = Watch(sight)
    watch.look_at(router.parts.tiers)
    for listener in listeners:
        watch.listen(listener)
    return watch


def _observers(router: Router) -> dict[str, Observer]:
    metrics = Metrics(CollectorRegistry())
    tracing = Tracing(_Nowhere(), lambda _: router.parts.tiers[0])
    return {
        "nobody": Unobserving(),
        "times and energy": _watching(router, Sight()),
        "metrics": _watching(router, Sight(), metrics.hear_run),
        "JSON log line": _watching(router, Sight(), log_run),
        "traces, 1 % sampled": _watching(router, Sight(sample_ratio=0.01), tracing.hear_run),
        "traces, all sampled": _watching(router, Sight(sample_ratio=1.0), tracing.hear_run),
        "all of them": _watching(
            router, Sight(sample_ratio=1.0), metrics.hear_run, log_run, tracing.hear_run
        ),
    }


async def _round(router: Router, count: int) -> float:
    """CPU microseconds a request."""
    prompt = Prompt((Message(Role.USER, QUESTION),))
    used_s = time.process_time()
    for number in range(count):
        async for _ in router.run(Request(f"request-{number}", prompt)):
            pass
    return (time.process_time() - used_s) / count * 1e6


async def measure(*, count: int, round_count: int) -> dict[str, float]:
    """CPU microseconds a request of two attempts, by who looks on.

    The least of all rounds: what else runs on the machine can only add.
    """
    router = build(parse(_CONFIG))
    await router.start()
    observers = _observers(router)
    rounds: dict[str, list[float]] = {name: [] for name in observers}
    await _round(router, count)
    for number in range(round_count):
        for name in tuple(observers)[:: -1 if number % 2 else 1]:
            router.observe(observers[name])
            rounds[name].append(await _round(router, count))
    await router.close()
    return {name: min(used) for name, used in rounds.items()}


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--requests", type=int, default=500, help="requests a round")
    options.add_argument("--rounds", type=int, default=9)
    given = options.parse_args()
    with open("/dev/null", "w", encoding="utf-8") as nowhere:
        handler = logging.StreamHandler(nowhere)
        handler.setFormatter(JsonFormatter())
        logging.basicConfig(level=logging.INFO, handlers=[handler])
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            found = runner.run(measure(count=given.requests, round_count=given.rounds))
    table = Table("looked on at by", "CPU us a request", "more than nobody")
    for name, used in found.items():
        table.add_row(name, f"{used:.0f}", f"{used - found['nobody']:+.0f}")
    Console(width=100).print(table)
    print(json.dumps({"machine": platform.processor(), "cpu_us_per_request": found}))


if __name__ == "__main__":
    main()
