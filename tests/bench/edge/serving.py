"""From a contender to a server that answers: started, waited for, ready to be asked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import httpx

from router.rpc.client import AsyncClient
from tests.bench.edge.asking import Ask, ask_openai, ask_upshift
from tests.bench.edge.contenders import Contender, Setting
from tests.bench.edge.process import Process, free_port, started

_START_TIMEOUT_S = 60.0
_ANSWER_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True)
class Serving:
    """A contender that runs."""

    contender: Contender
    process: Process
    ask: Ask


@asynccontextmanager
async def serving(contender: Contender, setting: Setting, token_count: int) -> AsyncGenerator[Serving]:
    """Serve until the block ends; answers have ``token_count`` tokens.

    Raises MissingError where the server cannot be had, RuntimeError where it does not come up.
    """
    port = free_port()
    command = contender.command(setting, port)
    log = setting.folder / f"{contender.name.replace('/', '-')}-{port}.log"
    with started(command, log, contender.environment()) as process:
        connect = _grpc if contender.health is None else _http
        async with connect(contender, process, port, token_count) as ready:
            yield ready


@asynccontextmanager
async def _grpc(
    contender: Contender, process: Process, port: int, token_count: int
) -> AsyncGenerator[Serving]:
    async def is_ready() -> bool:
        return '"event": "ready"' in process.log.read_text(errors="replace")

    await _until(is_ready, process)
    async with AsyncClient(f"127.0.0.1:{port}") as client:
        ask = partial(ask_upshift, client, max_output_tokens=token_count, timeout_s=_ANSWER_TIMEOUT_S)
        yield Serving(contender, process, ask)


@asynccontextmanager
async def _http(
    contender: Contender, process: Process, port: int, token_count: int
) -> AsyncGenerator[Serving]:
    body = {"max_tokens": token_count, **contender.body}
    # One connection a stream, as that many callers have.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    base = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=base, timeout=_ANSWER_TIMEOUT_S, limits=limits) as client:

        async def is_ready() -> bool:
            try:
                return (await client.get(str(contender.health))).is_success
            except httpx.TransportError:
                return False

        await _until(is_ready, process)
        yield Serving(contender, process, partial(ask_openai, client, body=body))


async def _until(condition: Callable[[], Awaitable[bool]], process: Process) -> None:
    give_up = time.monotonic() + _START_TIMEOUT_S
    while not await condition():
        process.check()
        if time.monotonic() > give_up:
            raise RuntimeError(f"the server was not ready after {_START_TIMEOUT_S:.0f} s; see {process.log}")
        await asyncio.sleep(0.1)
