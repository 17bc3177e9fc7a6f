"""Posts JSON to one address and streams what comes back, by a transport alone.

Decides to do without what httpx's client does around a transport for every request: it merges addresses and
headers, follows an auth flow and redirects, and keeps cookies. Where a transport can post by itself
(:class:`Poster`), httpx's requests and responses are not made either. Knows no API.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol, runtime_checkable

import httpx


class Headers(Protocol):
    """Headers of a reply, whose names have no case."""

    def get(self, name: str, default: str = "", /) -> str:
        """The value, or ``default`` where there is none."""
        ...


class Reply(Protocol):
    """What a server answers, of which the body is still to come."""

    @property
    def status_code(self) -> int:
        """The HTTP status."""
        ...

    @property
    def headers(self) -> Headers:
        """Its headers."""
        ...

    @property
    def is_read(self) -> bool:
        """Whether it is known to have been read to its end, so that the connection serves again."""
        ...

    def pieces(self) -> AsyncIterator[bytes]:
        """The body in pieces as they come, nothing decoded. Raises httpx.TransportError."""
        ...

    async def aclose(self) -> None:
        """Close it, and with it what is not read of it."""
        ...


@runtime_checkable
class Poster(Protocol):
    """A transport that posts without httpx's objects around it."""

    async def post(
        self, url: httpx.URL, headers: Mapping[str, str], content: bytes, limits: httpx.Timeout
    ) -> Reply:
        """Post ``content``; ``limits`` say how long each step may take. Raises httpx.TransportError."""
        ...


class Post:
    """Posts to ``url`` by ``transport``, with ``fixed`` headers and those that ``credentials`` returns."""

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        url: httpx.URL,
        fixed: Mapping[str, str],
        credentials: Callable[[], Mapping[str, str]],
        timeout: httpx.Timeout,
    ) -> None:
        self._poster = transport if isinstance(transport, Poster) else _OverHttpx(transport)
        self._url = url
        self._fixed = {**fixed, "content-type": "application/json"}
        self._credentials = credentials
        self._timeout = timeout

    @asynccontextmanager
    async def __call__(self, body: Any, headers: Mapping[str, str]) -> AsyncIterator[Reply]:
        """Send ``body``; the reply is closed, and with it what is not read of it, at the end."""
        reply = await self._poster.post(
            self._url,
            {**self._fixed, **headers, **self._credentials()},
            _dump(body).encode(),
            self._timeout,
        )
        try:
            yield reply
        finally:
            await reply.aclose()


# One encoder for all: json.dumps makes a new one a call where its settings are not the default.
_dump = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


class _OverHttpx:
    """Fills :class:`Poster` by any transport of httpx."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def post(
        self, url: httpx.URL, headers: Mapping[str, str], content: bytes, limits: httpx.Timeout
    ) -> Reply:
        extensions = {"timeout": limits.as_dict()}
        request = httpx.Request("POST", url, headers=headers, content=content, extensions=extensions)
        response = await self._transport.handle_async_request(request)
        response.request = request
        return HttpxReply(response)


class HttpxReply:
    """A response of httpx as :class:`Reply`."""

    is_read = False
    """httpx does not tell before one reads on."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.status_code = response.status_code
        self.headers: Headers = response.headers
        self.pieces = response.aiter_bytes
        self.aclose = response.aclose


class ClientTransport(httpx.AsyncBaseTransport):
    """All that ``client`` does as a transport: for proxies, which clients alone know."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request``, which has its credentials, and stream the response."""
        return await self._client.send(request, stream=True, auth=None)
