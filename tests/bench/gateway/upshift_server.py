"""Upshift as it would be run: keys, limits, a budget in a ledger, metrics and a journal are on."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
from upshift.v1 import router_pb2
from upshift.v1.router_pb2_grpc import RouterServiceStub

from router.rpc.client.question import Options, asking
from router.tenants.key_file import write_keys
from router.tenants.keys import mint
from router.tenants.principal import Scope
from tests.bench.edge.process import Process, started
from tests.bench.gateway.contender import Ask, Asking, Contender
from tests.bench.gateway.http_asking import http_asking
from tests.bench.servers import QUESTION

ON = "keys, limits, budget, metrics, journal"
# The cheap tier is predicted to be as good as that, so that a request is one call, as it is for a proxy.
_MIN_CONFIDENCE = 0.3
_TIMEOUT_S = 60.0
_START_TIMEOUT_S = 60.0
_CONFIG = """
version: 1
server: {{listen: "127.0.0.1:0", max_concurrent_requests: 1000}}
gateway: {{listen: "127.0.0.1:0"}}
auth: {{keys: keys.json}}
metrics: {{listen: "127.0.0.1:0"}}
journal: {{path: journal.sqlite}}
ledger: {{path: ledger.sqlite}}
tenants:
  - name: acme
    limits: {{requests_per_s: 100000, tokens_per_minute: 1000000000}}
    budget: {{usd_per_day: 100000, usd_per_month: 100000}}
tiers:
  - name: edge
    backend: openai_chat
    options: {{base_url: "{upstream}", model: m, start_check: false, logprobs: false}}
    price: {{input_usd_per_million_tokens: 0.1, output_usd_per_million_tokens: 0.4}}
    limits: {{concurrency: 1000}}
    resilience: {{adaptive: {{enabled: false}}}}
  - name: frontier
    backend: openai_chat
    options: {{base_url: "{upstream}", model: m, start_check: false, logprobs: false}}
    price: {{input_usd_per_million_tokens: 3, output_usd_per_million_tokens: 15}}
policies:
  - name: default
    ladder: [edge, frontier]
    objective: {{rule: threshold, min_confidence: {least}}}
"""


@dataclass(frozen=True, slots=True)
class Serving:
    """A server that runs, where it listens, and a key that it takes."""

    process: Process
    grpc: str
    http: str
    key: str


@contextmanager
def serving(folder: Path, upstream: str) -> Iterator[Serving]:
    """Serve two tiers of ``upstream``, of which the cheap one answers."""
    folder.mkdir()
    scopes = frozenset(Scope) - {Scope.ADMIN}
    entry, key = mint(tenants=("acme",), scopes=scopes, now_s=time.time())
    write_keys(folder / "keys.json", [entry])
    config = folder / "upshift.yaml"
    config.write_text(_CONFIG.format(upstream=upstream, least=_MIN_CONFIDENCE))
    command = [sys.executable, "-m", "router.cli", "serve", str(config), "--json"]
    with started(command, folder / "upshift.log") as process:
        ready = _ready(process)
        yield Serving(process, ready["address"], f"http://{ready['gateway']}", key)


@contextmanager
def upshift(folder: Path, upstream: str) -> Iterator[tuple[Contender, Contender]]:
    """The same server twice: over gRPC and over HTTP."""
    with serving(folder, upstream) as one:
        yield (
            Contender("Upshift, gRPC", ON, one.grpc, one.process, grpc_asking(one.key)),
            Contender("Upshift, HTTP", ON, one.http, one.process, http_asking(one.key)),
        )


def _ready(process: Process) -> dict[str, str]:
    """Where it says that it listens, by the port's name."""
    ends_s = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < ends_s:
        process.check()
        for line in process.log.read_text().splitlines():
            if line.startswith("{") and "address" in (said := json.loads(line)):
                return {name: str(where) for name, where in said.items()}
        time.sleep(0.1)
    raise RuntimeError(f"it did not say within {_START_TIMEOUT_S:g} s where it listens")


def grpc_asking(key: str) -> Asking:
    """Ask over gRPC with ``key``."""

    @asynccontextmanager
    async def asking_(address: str, streams: bool) -> AsyncIterator[Ask]:
        options: Options = {"max_output_tokens": 128}
        metadata = (("authorization", f"Bearer {key}"),)
        async with grpc.aio.insecure_channel(address) as channel:
            stub = RouterServiceStub(channel)

            async def whole() -> object:
                message = asking(router_pb2.GenerateRequest, QUESTION, options)
                return await stub.Generate(message, timeout=_TIMEOUT_S, metadata=metadata)

            async def stream() -> object:
                message = asking(router_pb2.StreamGenerateRequest, QUESTION, options)
                call = stub.StreamGenerate(message, timeout=_TIMEOUT_S, metadata=metadata)
                return [event async for event in call]

            yield stream if streams else whole

    return asking_
