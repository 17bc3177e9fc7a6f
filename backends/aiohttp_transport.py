"""httpx requests carried by aiohttp, which costs a fraction of the CPU (``make bench-transport``).

Decides nothing: no redirects, no cookies, no decompression, no proxy. Every error of aiohttp becomes the
one of httpx that means the same, at one place. Needs the extra ``fast``.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from functools import lru_cache
from typing import Self

import aiohttp
import httpx
from yarl import URL

# Seconds to wait for a place, for a connection, and for each piece; None: without end.
_Waits = tuple[float | None, float | None, float | None]

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
        timeout = request.extensions.get("timeout", {})
        response = await self._sent(
            request.method,
            str(request.url),
            request.headers.multi_items(),
            await request.aread(),
            (timeout.get("pool"), timeout.get("connect"), timeout.get("read")),
        )
        return httpx.Response(response.status, headers=response.raw_headers, stream=_Body(response))

    async def post(
        self, url: httpx.URL, headers: Mapping[str, str], content: bytes, limits: httpx.Timeout
    ) -> AiohttpReply:
        """Fill :class:`backends.http_post.Poster`."""
        waits = (limits.pool, limits.connect, limits.read)
        return AiohttpReply(await self._sent("POST", str(url), headers, content, waits))

    async def _sent(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | list[tuple[str, str]],
        content: bytes,
        waits: _Waits,
    ) -> aiohttp.ClientResponse:
        if self._session is None:
            self._session = self._open()
        try:
            return await self._session.request(
                method,
                _address(url),
                headers=headers,
                data=content,
                allow_redirects=False,
                timeout=_timeout(waits),
            )
        except _CAUGHT as exc:
            raise _translated(exc) from exc

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


@lru_cache(maxsize=64)
def _timeout(waits: _Waits) -> aiohttp.ClientTimeout:
    pool_s, connect_s, read_s = waits
    return aiohttp.ClientTimeout(total=None, connect=pool_s, sock_connect=connect_s, sock_read=read_s)


class _Pieces:
    """The body of a response in pieces as they come; no generator, which would have to be closed."""

    __slots__ = ("_content",)

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._content = response.content

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        try:
            piece = await self._content.readany()
        except _CAUGHT as exc:
            raise _translated(exc) from exc
        if not piece:
            raise StopAsyncIteration
        return piece


class AiohttpReply:
    """Fills :class:`backends.http_post.Reply`."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status_code = response.status
        self.headers = response.headers

    @property
    def is_read(self) -> bool:
        """Whether all of it has come and was taken."""
        return self._response.content.at_eof()

    def pieces(self) -> AsyncIterator[bytes]:
        """The body in pieces as they come."""
        return _Pieces(self._response)

    async def aclose(self) -> None:
        """Close the connection, unless the body was read to its end: then it serves again already."""
        self._response.close()


class _Body(httpx.AsyncByteStream):
    """The body of a response of httpx."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    def __aiter__(self) -> AsyncIterator[bytes]:
        return _Pieces(self._response)

    async def aclose(self) -> None:
        """Close it; see :meth:`AiohttpReply.aclose`."""
        self._response.close()


_CAUGHT = tuple(kind for kind, _ in _ERRORS)


def _translated(error: Exception) -> httpx.TransportError:
    kind = next(ours for theirs, ours in _ERRORS if isinstance(error, theirs))
    # Its own words may hold what the server sent.
    return kind(type(error).__name__)
