"""httpx requests carried by aiohttp, which costs a fraction of the CPU (``make bench-transport``).

Decides nothing: no redirects, no cookies, no decompression, no proxy. Every error of aiohttp becomes the
one of httpx that means the same, at one place. Needs the extra ``fast``.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import lru_cache

import aiohttp
import httpx
from yarl import URL

# First match wins.
_ERRORS: tuple[tuple[type[Exception], type[httpx.TransportError]], ...] = (
    (aiohttp.ClientConnectorError, httpx.ConnectError),
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
    (TimeoutError, httpx.ReadTimeout),
    (aiohttp.ServerDisconnectedError, httpx.RemoteProtocolError),
    (aiohttp.ClientPayloadError, httpx.RemoteProtocolError),
    (aiohttp.ClientResponseError, httpx.RemoteProtocolError),
    (aiohttp.ClientError, httpx.ReadError),
    (OSError, httpx.ReadError),
)


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Keeps one session, which is opened by the first request and belongs to that request's loop.

    ``trust`` says which certificates are believed; of ``limits`` the number of connections and how long
    an idle one is kept are used.
    """

    def __init__(self, trust: ssl.SSLContext, limits: httpx.Limits) -> None:
        self._trust = trust
        self._limits = limits
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request``; its body is sent whole, that of the response is streamed."""
        if self._session is None:
            self._session = self._open()
        timeout = request.extensions.get("timeout", {})
        with _translated():
            response = await self._session.request(
                request.method,
                _address(str(request.url)),
                headers=request.headers.multi_items(),
                data=await request.aread(),
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    total=None,
                    connect=timeout.get("pool"),
                    sock_connect=timeout.get("connect"),
                    sock_read=timeout.get("read"),
                ),
            )
        return httpx.Response(response.status, headers=response.raw_headers, stream=_Body(response))

    async def aclose(self) -> None:
        """Close all connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _open(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            ssl=self._trust,
            limit=self._limits.max_connections or 0,
            keepalive_timeout=self._limits.keepalive_expiry,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
        )


@lru_cache(maxsize=64)
def _address(url: str) -> URL:
    return URL(url, encoded=True)


class _Body(httpx.AsyncByteStream):
    """The body of a response, in pieces as they come."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _translated():
            async for piece in self._response.content.iter_any():
                yield piece

    async def aclose(self) -> None:
        """Close the connection, unless the body was read to its end: then it serves again already."""
        self._response.close()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except tuple(kind for kind, _ in _ERRORS) as exc:
        kind = next(ours for theirs, ours in _ERRORS if isinstance(exc, theirs))
        # Its own words may hold what the server sent.
        raise kind(type(exc).__name__) from exc
