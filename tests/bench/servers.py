"""The servers that are compared, each in a process of its own: the router over echo tiers, and bare gRPC.

Both take the same 1 KB question and give the same answer, so that what lies between them is the
router's own work.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import grpc
from upshift.v1 import router_pb2, router_pb2_grpc, types_pb2

from router.build import build
from router.config import parse
from router.rpc.server import run, serve

# 1,024 bytes of words, as a question.
QUESTION = ("Which of the following words is not the name of a colour, and why? red green blue seven " * 12)[
    :1024
]
ANSWER = "Seven is not the name of a colour, because it is a number."

_CONFIG = f"""
version: 1
server:
  listen: 127.0.0.1:0
  max_concurrent_requests: 1000
journal:
  path: journal.sqlite
confidence:
  uncalibrated: token_probability
tiers:
  - name: edge
    backend: echo
    options: {{reply: "{ANSWER}"}}
    limits: {{concurrency: 1000}}
  - name: frontier
    backend: echo
    options: {{reply: "{ANSWER}", external: true}}
    price: {{input_usd_per_million_tokens: 3, output_usd_per_million_tokens: 15}}
policies:
  - name: default
    ladder: [edge, frontier]
    objective: {{rule: threshold}}
"""


@dataclass(frozen=True, slots=True)
class Running:
    """A server in another process; ``address`` is where it listens."""

    address: str
    _pipe: Connection

    def cpu_s(self) -> float:
        """CPU seconds that the process has used so far, all its threads together."""
        self._pipe.send("cpu")
        used: float = self._pipe.recv()
        return used


@contextmanager
def running(kind: str, *, profile: Path | None = None) -> Iterator[Running]:
    """Run the server called ``kind`` (a key of SERVERS) until the block ends.

    ``profile`` names a file for cProfile's statistics; the numbers are then useless.
    """
    ours, theirs = multiprocessing.Pipe()
    # Spawned, not forked: gRPC's threads do not survive a fork.
    process = multiprocessing.get_context("spawn").Process(target=_main, args=(kind, theirs, profile))
    process.start()
    try:
        yield Running(ours.recv(), ours)
    finally:
        process.terminate()
        process.join()


def _main(kind: str, pipe: Connection, profile: Path | None) -> None:
    def ready(address: str) -> None:
        pipe.send(address)
        threading.Thread(target=_report_cpu, args=(pipe,), daemon=True).start()

    if profile is None:
        run(SERVERS[kind](ready))
        return
    import cProfile

    with cProfile.Profile() as profiler:
        run(SERVERS[kind](ready))
    profiler.dump_stats(profile)


def _report_cpu(pipe: Connection) -> None:
    while pipe.recv() == "cpu":
        pipe.send(time.process_time())


async def _upshift(ready: Callable[[str], None]) -> None:
    with TemporaryDirectory() as directory:
        config = parse(_CONFIG, directory=Path(directory))
        await serve(config, build(config), ready=ready)


class _BareService(router_pb2_grpc.RouterServiceServicer):
    """What gRPC itself costs: parse a question, serialize an answer."""

    async def Generate(self, request: router_pb2.GenerateRequest, _: Any) -> router_pb2.GenerateResponse:  # noqa: N802
        """Give the answer without looking at the question."""
        return router_pb2.GenerateResponse(result=types_pb2.Result(text=ANSWER, tier=str(len(request.tags))))


async def _bare(ready: Callable[[str], None]) -> None:
    server = grpc.aio.server()
    router_pb2_grpc.add_RouterServiceServicer_to_server(_BareService(), server)  # type: ignore[abstract]
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    ready(f"127.0.0.1:{port}")
    await asyncio.Event().wait()


SERVERS: dict[str, Callable[[Callable[[str], None]], Coroutine[Any, Any, None]]] = {
    "bare gRPC": _bare,
    "upshift": _upshift,
}
