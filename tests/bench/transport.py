"""What a request to a provider costs over each of httpx's transports: CPU microseconds in our process.

Three kinds of request: one answered whole, a stream of one token, and a stream of 64 that come one by
one. The streams go through the real chat completions backend. The provider runs in another process, so
that only the client's work counts. The package ``httpx-aiohttp`` joins in where it is installed. The last
line is JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import ssl
import statistics
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from importlib.metadata import version
from importlib.util import find_spec

import httpx
import uvloop
from rich.console import Console
from rich.table import Table

from backends.http_transport import TRANSPORTS, Make
from backends.openai_chat import OpenAIChatBackend
from backends.openai_chat_options import OpenAIChatOptions
from backends.types import Message, Prompt, Role
from tests.bench.servers import QUESTION
from tests.bench.upstream import upstream

CONTENDERS: dict[str, Make] = dict(TRANSPORTS)
if find_spec("httpx_aiohttp") is not None:
    from httpx_aiohttp import AiohttpTransport

    CONTENDERS["httpx-aiohttp"] = lambda trust, limits: AiohttpTransport(verify=trust, limits=limits)

PROMPT = Prompt((Message(Role.USER, QUESTION),))
LIMITS = httpx.Limits(max_connections=100)
Ask = Callable[[], Awaitable[object]]


async def cpu_us(ask: Ask, *, request_count: int, caller_count: int) -> float:
    """CPU microseconds of this process a request, of ``request_count`` by so many callers at once."""
    left = request_count

    async def call() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            await ask()

    await asyncio.gather(*(ask() for _ in range(2 * caller_count)))
    before_s = time.process_time()
    await asyncio.gather(*(call() for _ in range(caller_count)))
    return 1e6 * (time.process_time() - before_s) / request_count


async def measure(address: str, make: Make, count: int) -> dict[str, float]:
    """Measure one transport on all kinds of request."""
    trust = ssl.create_default_context()
    found = {}
    async with AsyncExitStack() as stack:
        client = httpx.AsyncClient(transport=make(trust, LIMITS), trust_env=False)
        await stack.enter_async_context(client)

        async def whole() -> object:
            return (await client.post(f"{address}/whole", json={"prompt": QUESTION})).json()

        found["whole"] = await cpu_us(whole, request_count=count, caller_count=16)
    for kind, share in (("short", 1.0), ("long", 0.2)):
        settings = {"base_url": f"{address}/{kind}", "model": "m", "logprobs": False, "start_check": False}
        options = OpenAIChatOptions.model_validate(settings)
        backend = OpenAIChatBackend(options, transport=make(trust, LIMITS))
        await backend.start()

        async def stream(backend: OpenAIChatBackend = backend) -> object:
            return [item async for item in backend.stream(PROMPT, timeout_s=30.0)]

        found[kind] = await cpu_us(stream, request_count=int(count * share), caller_count=16)
        await backend.close()
    return found


def medians(rounds: list[dict[str, float]]) -> dict[str, float]:
    """The middle value of every kind."""
    return {kind: statistics.median(each[kind] for each in rounds) for kind in rounds[0]}


def table(found: dict[str, dict[str, float]]) -> Table:
    """The numbers side by side."""
    shown = Table(title="CPU µs a request in the client")
    for heading in ("", "whole", "stream of 1", "stream of 64"):
        shown.add_column(heading, justify="right" if heading else "left")
    for name, kinds in found.items():
        shown.add_row(name, *(f"{value:.0f}" for value in kinds.values()))
    return shown


def main() -> None:
    """Measure every transport in turn, several rounds, and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.transport", description=__doc__)
    parser.add_argument("--requests", type=int, default=1000, help="requests of each kind in a round")
    parser.add_argument("--rounds", type=int, default=5, help="rounds; the median counts")
    arguments = parser.parse_args()
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in CONTENDERS}
    with upstream() as address:
        for _ in range(arguments.rounds):
            for name, make in CONTENDERS.items():
                rounds[name].append(uvloop.run(measure(address, make, arguments.requests)))
    found = {name: medians(each) for name, each in rounds.items()}
    Console().print(table(found))
    about = {"python": platform.python_version(), "httpx": httpx.__version__, "uvloop": version("uvloop")}
    print(json.dumps({"cpu_us": found, "rounds": arguments.rounds, **about}))


if __name__ == "__main__":
    main()
