"""What a request costs beside gRPC itself: ``python -m tests.bench.core``.

The server's own handlers are called in this process, from the bytes of a request to those of its answer, so
that no socket and no client blurs the figure: plain, by way of two tiers, as a stream of 64 tokens, and with
every door shut (keys, limits, metrics, traces, a JSON log line). CPU microseconds a request: of the loop's
thread, and of the process with the journal's thread. Each is the least of many short rounds, which take
turns: what else runs on the machine can only add. Prints a table, and one JSON object as the last line.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import platform
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvloop
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from prometheus_client import CollectorRegistry
from rich.console import Console
from rich.table import Table
from upshift.v1 import router_pb2

from router.build import build
from router.config import parse
from router.live.core import LiveRouter
from router.observe.log_lines import JsonFormatter
from router.observe.metrics import Metrics
from router.observe.request_log import log_run
from router.observe.tracing import Tracing
from router.observe.watch import Sight, Watch
from router.rpc.authentication import Authenticator
from router.rpc.client.question import asking
from router.rpc.edge import Edge, Handler, method_handlers
from router.rpc.places import Places
from router.rpc.service import RouterService
from router.tenants.key_file import write_keys
from router.tenants.key_ring import KeyRing
from router.tenants.keys import mint
from router.tenants.principal import Scope
from tests.bench.servers import ANSWER, QUESTION

_TOKENS = " ".join(["token"] * 64)
_CONFIG = """
version: 1
journal: {{path: {name}.sqlite}}
confidence: {{uncalibrated: token_probability}}
tiers:
  - {{name: edge, backend: echo, options: {{reply: "{reply}", logprob: {logprob}}}}}
  - name: frontier
    backend: echo
    options: {{reply: "{reply}", external: true}}
    price: {{input_usd_per_million_tokens: 3, output_usd_per_million_tokens: 15}}
policies: [{{name: default, ladder: [edge, frontier], objective: {{rule: threshold, min_confidence: 0.8}}}}]
"""
_TENANTS = "tenants: [{name: acme, limits: {requests_per_s: 1000000, tokens_per_minute: 1000000000}}]\n"


class _Nowhere(SpanExporter):
    """Takes spans and does nothing: the wire to a collector is not ours."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.SUCCESS


@dataclass(slots=True)
class _Context:
    """What a handler is given by gRPC, of which nothing is sent; ``sent`` is the caller's metadata."""

    sent: tuple[tuple[str, str], ...] = ()
    written: list[bytes] = field(default_factory=list)

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return self.sent

    def time_remaining(self) -> float:
        return 30.0

    def peer(self) -> str:
        return "ipv4:127.0.0.1:1"

    def set_trailing_metadata(self, metadata: object) -> None:
        del metadata

    async def write(self, message: Any) -> None:
        self.written.append(message.SerializeToString())

    async def abort(self, code: object, said: str, **_: object) -> None:
        raise AssertionError(f"{code}: {said}")


async def _sent(message: bytes) -> AsyncIterator[bytes]:
    """What gRPC hands over of a call with one message."""
    yield message


@dataclass(frozen=True, slots=True)
class Contender:
    """A handler, what it is asked, and by whom; ``rounds``: CPU microseconds of the loop, of the process."""

    handler: Handler
    question: bytes
    sent: tuple[tuple[str, str], ...] = ()
    rounds: list[tuple[float, float]] = field(default_factory=list)

    async def ask(self) -> None:
        """Answer one request."""
        handler: Any = self.handler
        context = _Context(self.sent)
        if handler.response_streaming:
            await handler.stream_stream(_sent(self.question), context)
            assert context.written, "a stream has a result at least"
        else:
            handler.response_serializer(await handler.stream_unary(_sent(self.question), context))

    async def round(self, count: int) -> None:
        """Answer ``count`` requests, one after the other, each in a task of its own as under gRPC."""
        thread_s, process_s = time.thread_time(), time.process_time()
        for _ in range(count):
            await asyncio.create_task(self.ask())
        loop_us = (time.thread_time() - thread_s) / count * 1e6
        # The journal's thread is behind; what it has left is paid for by the next round.
        self.rounds.append((loop_us, (time.process_time() - process_s) / count * 1e6))


async def _contenders(folder: Path, stack: AsyncExitStack) -> dict[str, Contender]:
    message = asking(router_pb2.GenerateRequest, QUESTION, {}).SerializeToString()
    stream = asking(router_pb2.StreamGenerateRequest, QUESTION, {}).SerializeToString()
    shown = asking(router_pb2.StreamGenerateRequest, QUESTION, {"allow_retraction": True}).SerializeToString()

    async def handlers(name: str, edge: Edge, more: str = "", **options: object) -> dict[str, Handler]:
        text = _CONFIG.format(name=name, **{"reply": ANSWER, "logprob": -0.01} | options) + more
        core = build(parse(text, directory=folder))
        await core.start()
        stack.push_async_callback(core.close)
        return method_handlers(RouterService(core), edge)

    plain = await handlers("plain", Edge(30.0, Places(1000)))
    escalated = await handlers("escalated", Edge(30.0, Places(1000)), logprob=-3)
    long = await handlers("long", Edge(30.0, Places(1000)), reply=_TOKENS)
    doors, sent = await _doors(folder, stack)
    return {
        "plain": Contender(plain["Generate"], message),
        "two attempts": Contender(escalated["Generate"], message),
        "64 tokens": Contender(long["Generate"], message),
        "64 tokens, streamed": Contender(long["StreamGenerate"], stream),
        "64 tokens, streamed live": Contender(long["StreamGenerate"], shown),
        "all doors": Contender(doors, message, sent),
    }


async def _doors(folder: Path, stack: AsyncExitStack) -> tuple[Handler, tuple[tuple[str, str], ...]]:
    key, secret = mint(tenants=("acme",), scopes=frozenset(Scope), now_s=0.0)
    write_keys(folder / "keys.json", [key])
    ring = KeyRing(folder / "keys.json")
    ring.open()
    watch, metrics = Watch(Sight(sample_ratio=0.01)), Metrics(CollectorRegistry())
    tracing = Tracing(_Nowhere(), watch.tier)
    for listener in (metrics.hear_run, log_run, tracing.hear_run):
        watch.listen(listener)
    config = parse(_CONFIG.format(name="doors", reply=ANSWER, logprob=-0.01) + _TENANTS, directory=folder)
    core = LiveRouter(config, observer=watch)
    core.follow(lambda: watch.look_at(core.router.parts.tiers))
    await core.start()
    stack.push_async_callback(core.close)
    edge = Edge(30.0, Places(1000), Authenticator(ring), [metrics.hear_call])
    handlers = method_handlers(RouterService(core), edge)
    return handlers["Generate"], (("authorization", f"Bearer {secret}"),)


async def measure(*, count: int, round_count: int) -> dict[str, tuple[float, float]]:
    """CPU microseconds a request, the loop's thread and the process, by contender."""
    with TemporaryDirectory() as directory:
        async with AsyncExitStack() as stack:
            contenders = await _contenders(Path(directory), stack)
            for _ in range(round_count + 1):
                for contender in contenders.values():
                    await contender.round(count)
    return {
        name: (min(loop for loop, _ in one.rounds[1:]), min(process for _, process in one.rounds[1:]))
        for name, one in contenders.items()
    }


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(prog="python -m tests.bench.core", description=__doc__)
    options.add_argument("--requests", type=int, default=100, help="requests a round")
    options.add_argument("--rounds", type=int, default=30)
    given = options.parse_args()
    with open("/dev/null", "w", encoding="utf-8") as nowhere:
        handler = logging.StreamHandler(nowhere)
        handler.setFormatter(JsonFormatter())
        logging.basicConfig(level=logging.INFO, handlers=[handler])
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            found = runner.run(measure(count=given.requests, round_count=given.rounds))
    table = Table("CPU µs a request", "the loop's thread", "all threads")
    for name, (loop, process) in found.items():
        table.add_row(name, f"{loop:.0f}", f"{process:.0f}")
    Console(width=100).print(table)
    print(json.dumps({"machine": platform.processor(), "cpu_us_per_request": found}))


if __name__ == "__main__":
    main()
