"""Transports: the fast one where it is installed, and httpx's own else."""

from __future__ import annotations

import ssl
from typing import Any

import httpx
import pytest

from backends.aiohttp_transport import AiohttpTransport
from backends.http_transport import fastest_transport
from tests.chat_server import STREAM_HEAD, serve


def test_the_fast_transport_is_used_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without aiohttp the same requests go over httpx's own."""
    trust, limits = ssl.create_default_context(), httpx.Limits()
    assert isinstance(fastest_transport(trust, limits), AiohttpTransport)
    monkeypatch.setattr("backends.http_transport.find_spec", lambda name: None)
    assert isinstance(fastest_transport(trust, limits), httpx.AsyncHTTPTransport)


async def test_cookies_are_not_kept() -> None:
    """What a server sets for one caller does not go along with the next."""
    heads: list[str] = []

    async def sets(_: dict[str, Any], writer: Any) -> None:
        writer.write(STREAM_HEAD[:-2] + b"set-cookie: a=b\r\n\r\n")

    async with serve(sets, heads=heads) as url:
        transport = AiohttpTransport(ssl.create_default_context(), httpx.Limits())
        for _ in range(2):
            response = await transport.handle_async_request(httpx.Request("GET", url))
            await response.aclose()
        await transport.aclose()
    assert len(heads) == 2
    assert "cookie" not in heads[1].lower()
