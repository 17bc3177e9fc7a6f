"""Transports: the fast one where it is installed, and httpx's own else."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest

from backends.aiohttp_transport import AiohttpTransport
from backends.http_transport import TRANSPORTS, fastest_transport
from tests.backends.dialects import sends
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


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("is_trusted", [True, False])
async def test_only_a_trusted_server_gets_the_prompt(
    transport: str, is_trusted: bool, certificate: tuple[Path, Path]
) -> None:
    """The authorities of ca_file vouch for a server; without them one of our own making is a stranger."""
    file, key = certificate
    identity = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    identity.load_cert_chain(file, key)
    trust = ssl.create_default_context(cafile=file if is_trusted else None)
    async with serve(sends(b"hello"), identity=identity) as url:
        address = url.replace("http://127.0.0.1", "https://localhost")
        async with httpx.AsyncClient(transport=TRANSPORTS[transport](trust, httpx.Limits())) as client:
            if is_trusted:
                assert (await client.post(address, json={})).content == b"hello"
            else:
                with pytest.raises(httpx.ConnectError):
                    await client.post(address, json={})
