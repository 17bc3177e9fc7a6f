"""Slow and greedy clients of the HTTP port: they are let go, and hold nobody else up."""

from __future__ import annotations

import asyncio

import pytest

from router.gateway import connection, endpoint
from tests.router.gateway.conftest import Open, Opened

HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nhost: here\r\ncontent-type: application/json\r\n"


async def answered(opened: Opened, *pieces: bytes) -> bytes:
    """What comes back for ``pieces``, until the server closes the connection."""
    host, _, port = opened.door.address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        return await asyncio.wait_for(reader.read(), 60)
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def test_a_head_that_never_ends_in_time(gateway: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection is closed, also where nothing is sent at all."""
    monkeypatch.setattr(connection, "HEAD_TIMEOUT_S", 0.2)
    opened = await gateway()
    assert await answered(opened, HEAD) == b""
    assert await answered(opened) == b""


@pytest.mark.parametrize("is_whole", [True, False])
async def test_a_head_that_is_too_large(gateway: Open, is_whole: bool) -> None:
    """It is refused, whether it comes at once or never ends."""
    opened = await gateway(max_metadata_bytes=2048)
    greedy = HEAD + b"x-more: " + b"y" * 4000
    told = await answered(opened, greedy + b"\r\ncontent-length: 2\r\n\r\n{}" if is_whole else greedy)
    assert told.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400"))
    assert (await opened.http.get("/healthz")).status_code == 200


async def test_a_body_that_does_not_come(gateway: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its sender is told so, and its place is free again."""
    monkeypatch.setattr(endpoint, "BODY_TIMEOUT_S", 0.2)
    opened = await gateway(place_count=1)
    told = await answered(opened, HEAD + b"content-length: 100\r\nconnection: close\r\n\r\n{")
    assert told.startswith(b"HTTP/1.1 408")
    assert b"BODY_TOO_SLOW" in told
    asked = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}
    assert (await opened.http.post("/v1/chat/completions", json=asked)).status_code == 200


async def test_a_connection_that_is_used_again(gateway: Open) -> None:
    """Every request has its own bounds: many small heads are not one large one."""
    opened = await gateway(max_metadata_bytes=1024)
    for _ in range(20):
        assert (await opened.http.get("/healthz")).status_code == 200
