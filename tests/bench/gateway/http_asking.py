"""Asks chat completions over HTTP, as applications do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from tests.bench.gateway.contender import Ask, Asking
from tests.bench.servers import QUESTION

TIMEOUT_S = 60.0
_MAX_TOKEN_COUNT = 128


def http_asking(key: str) -> Asking:
    """Ask with ``key``."""

    @asynccontextmanager
    async def asking(address: str, streams: bool) -> AsyncIterator[Ask]:
        limits = aiohttp.TCPConnector(limit=0)
        timeout = aiohttp.ClientTimeout(TIMEOUT_S)
        async with aiohttp.ClientSession(connector=limits, timeout=timeout, headers=headers(key)) as session:

            async def ask() -> object:
                async with session.post(f"{address}/v1/chat/completions", json=body(streams)) as answer:
                    said = await answer.read()
                    if answer.status != 200 or (streams and b"[DONE]" not in said):
                        raise RuntimeError(f"{address} answered {answer.status}: {said[:300]!r}")
                    return said

            yield ask

    return asking


def headers(key: str) -> dict[str, str]:
    """What comes with every request."""
    return {"authorization": f"Bearer {key}"}


def body(streams: bool, model: str = "auto") -> dict[str, object]:
    """A question of 1 KB."""
    asked = {"model": model, "messages": [{"role": "user", "content": QUESTION}]}
    more = {"stream": True, "stream_options": {"include_usage": True}} if streams else {}
    return {**asked, "max_tokens": _MAX_TOKEN_COUNT, **more}
