"""Clients that leave in the middle of an answer over HTTP: how soon the provider's connection closes.

Every other one streams and has read a piece; the others wait for a whole answer.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp

from tests.bench.gateway.http_asking import body, headers
from tests.bench.gateway.upshift_server import serving
from tests.bench.overload.asking import quantile_ms
from tests.chat_server import STREAM_HEAD, event, serve

_WANTED_S = 0.1
# Nothing is above it, so its words are passed on as they come.
_MODEL = "frontier"


@dataclass(frozen=True, slots=True)
class Left:
    """Milliseconds from a client's leaving to the end of the provider's connection."""

    count: int
    share_in_time: float
    p50_ms: float
    p99_ms: float
    most_ms: float


class Provider:
    """Says one word and then nothing; notes when it is asked, and when its caller has gone."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[None] = asyncio.Queue()
        self.gone: asyncio.Queue[float] = asyncio.Queue()

    async def __call__(self, _: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        """Begin to answer, and wait to be left."""
        writer.write(STREAM_HEAD + event("word "))
        await writer.drain()
        self.asked.put_nowait(None)
        try:
            await asyncio.Event().wait()
        finally:
            self.gone.put_nowait(time.perf_counter())


async def leave(count: int) -> Left:
    """Let ``count`` clients leave, one after the other."""
    provider = Provider()
    with TemporaryDirectory() as folder:
        async with serve(provider) as url:
            with serving(Path(folder) / "upshift", url) as server:
                async with aiohttp.ClientSession(headers=headers(server.key)) as session:
                    address = f"{server.http}/v1/chat/completions"
                    waits_s = sorted(
                        [await _one(session, address, provider, n % 2 == 0) for n in range(count)]
                    )
    p50_ms, p99_ms, most_ms = (quantile_ms(waits_s, share) or 0.0 for share in (0.5, 0.99, 1.0))
    in_time = sum(wait_s <= _WANTED_S for wait_s in waits_s) / count
    return Left(count, in_time, p50_ms, p99_ms, most_ms)


async def _one(session: aiohttp.ClientSession, address: str, provider: Provider, streams: bool) -> float:
    asking = asyncio.create_task(session.post(address, json=body(streams, _MODEL)))
    await provider.asked.get()
    if streams:
        answer = await asking
        await answer.content.readany()
        left_s = time.perf_counter()
        answer.close()
    else:
        left_s = time.perf_counter()
        asking.cancel()
    return await provider.gone.get() - left_s
