"""Callers that leave: the provider's socket is closed at once, and what was spent is booked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from router.build import build
from router.config import parse
from router.journal import read_journal
from router.rpc.client import AsyncClient
from router.rpc.server import RouterServer
from tests.backends.leaks import nothing_left
from tests.chat_server import STREAM_HEAD, event, serve

CONFIG = """
version: 1
server: {{listen: "127.0.0.1:0"}}
journal: {{path: {path}}}
tiers:
  - name: provider
    backend: openai_chat
    options: {{base_url: {url}, model: m, start_check: false, logprobs: false}}
    price: {{input_usd_per_million_tokens: 1000, output_usd_per_million_tokens: 1000}}
policies:
  - {{name: default, ladder: [provider], objective: {{rule: fixed, tier: provider}}}}
"""


class Silent:
    """A provider that says some words and then nothing; ``gone`` is set when its caller has left."""

    def __init__(self, words: int) -> None:
        self.words = words
        self.asked, self.gone = asyncio.Event(), asyncio.Event()

    async def __call__(self, _: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        """Answer in part, then wait to be left."""
        if self.words:
            writer.write(STREAM_HEAD + b"".join(event("word ") for _ in range(self.words)))
            await writer.drain()
        self.asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.gone.set()


@pytest.fixture(autouse=True)
async def _leaves_nothing(echo_server: str) -> AsyncIterator[None]:
    """Leave nothing but what gRPC opens once for every loop."""
    async with AsyncClient(echo_server) as client:
        await client.list_tiers()
        async with nothing_left():
            yield


@pytest.mark.parametrize("words", [0, 3])
async def test_cancellation_reaches_the_provider(words: int, tmp_path: Path) -> None:
    """A client that cancels its call over gRPC ends the provider's connection, before its answer or in it.

    How soon, ``make bench-load`` measures; here it must be long before any timeout.
    """
    path, provider = tmp_path / "journal.sqlite", Silent(words)
    async with serve(provider) as url:
        config = parse(CONFIG.format(path=path, url=url))
        async with (
            RouterServer(config.server, build(config)) as server,
            AsyncClient(await server.start()) as client,
        ):
            heard = asyncio.Event()

            async def read() -> None:
                text = ""
                async for piece in client.stream_text("hi", timeout_s=100.0):
                    text += piece
                    if text.count("word") == words:
                        heard.set()

            call = asyncio.create_task(read())
            await (heard if words else provider.asked).wait()
            call.cancel()
            async with asyncio.timeout(30.0):
                await provider.gone.wait()
            await asyncio.gather(call, return_exceptions=True)
    (record,) = read_journal(path)
    assert record.error_reason == "CANCELLED"
    (attempt,) = record.attempts
    assert attempt.usage.output_token_count == words
    assert attempt.cost_usd_micros == 1000 * (attempt.usage.input_token_count + words) > 0
