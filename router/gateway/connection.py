"""A connection of the HTTP port, and what it takes from slow or greedy clients.

Decides how long and how large the head of a request may be; httptools itself knows no bound. Bodies are
bounded where they are read. Refuses to know what is asked.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_TIMEOUT_S = 10.0
_REFUSED = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class Connection(HttpToolsProtocol):
    """uvicorn's, whose heads have at most ``head_byte_count`` bytes and come within ``HEAD_TIMEOUT_S``."""

    def __init__(self, *args: Any, head_byte_count: int, **named: Any) -> None:
        super().__init__(*args, **named)
        self._head_byte_count = head_byte_count
        self._room = head_byte_count
        self._reads_head = True
        self._lateness: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Expect a head."""
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing any more."""
        self._rest()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, unless the head has become too large."""
        if self._reads_head:
            self._room -= len(data)
        super().data_received(data)
        if self._reads_head and self._room < 0 and not self.transport.is_closing():
            self.transport.write(_REFUSED)
            self.transport.close()

    def on_message_begin(self) -> None:
        """Expect a head, where the request is not the connection's first."""
        super().on_message_begin()
        if not self._reads_head:
            self._expect_head()

    def on_headers_complete(self) -> None:
        """The head is there; a large one that came at once is as unwelcome as one that came in pieces."""
        self._rest()
        byte_count = sum(len(name) + len(value) for name, value in self.headers)
        if byte_count > self._head_byte_count:
            raise ValueError("the head is too large")
        super().on_headers_complete()

    def _expect_head(self) -> None:
        self._reads_head = True
        self._room = self._head_byte_count
        self._lateness = self.loop.call_later(HEAD_TIMEOUT_S, self.transport.close)

    def _rest(self) -> None:
        self._reads_head = False
        if self._lateness is not None:
            self._lateness.cancel()
            self._lateness = None
