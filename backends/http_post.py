"""Posts JSON to one address and streams what comes back, by an httpx transport alone.

Decides to do without what httpx's client does around a transport for every request: it merges addresses and
headers, follows an auth flow and redirects, and keeps cookies. Without, a whole request through the router
calls 2,830 functions and not 3,415, and takes a fifth less CPU (measured side by side). Knows no API.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx


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
        self._transport = transport
        self._url = url
        self._fixed = {**fixed, "content-type": "application/json"}
        self._credentials = credentials
        self._extensions = {"timeout": timeout.as_dict()}

    @asynccontextmanager
    async def __call__(self, body: Any, headers: Mapping[str, str]) -> AsyncIterator[httpx.Response]:
        """Send ``body``; the response is closed, and with it what is not read of it, at the end."""
        request = httpx.Request(
            "POST",
            self._url,
            headers={**self._fixed, **headers, **self._credentials()},
            content=json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode(),
            extensions=self._extensions,
        )
        response = await self._transport.handle_async_request(request)
        response.request = request
        try:
            yield response
        finally:
            await response.aclose()


class ClientTransport(httpx.AsyncBaseTransport):
    """All that ``client`` does as a transport: for proxies, which clients alone know."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request``, which has its credentials, and stream the response."""
        return await self._client.send(request, stream=True, auth=None)
