"""One HTTP request and its answer, over ASGI.

Decides how bodies are read (bounded, once) and how answers are begun, streamed and ended. Refuses to know
what they say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

from starlette.types import Receive, Scope, Send

from router.gateway.problem import TooLarge

JSON = "application/json"
EVENT_STREAM = "text/event-stream; charset=utf-8"

# Proxies must pass every piece on as it comes.
_UNBUFFERED = (("cache-control", "no-cache"), ("x-accel-buffering", "no"))

Headers = Iterable[tuple[str, str]]


class ClientLeft(Exception):
    """Who asked has gone; nobody is left to be told anything."""


class Exchange:
    """A request that came in, and the way back. One answer, whole or streamed, may be sent.

    ``named`` are headers that every answer carries.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self.headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        client = scope.get("client")
        self.peer = "" if client is None else f"{client[0]}:{client[1]}"
        self.path: str = scope["path"]
        self.parameters: dict[str, str] = scope.get("path_params", {})
        self.named: list[tuple[str, str]] = []
        self.is_answered = False

    async def body(self, most_byte_count: int) -> bytes:
        """Read the whole body. Raises TooLarge beyond ``most_byte_count``, and ClientLeft."""
        if int_of(self.headers.get("content-length")) > most_byte_count:
            raise TooLarge(most_byte_count)
        pieces: list[bytes] = []
        room = most_byte_count
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientLeft
            piece = message.get("body", b"")
            room -= len(piece)
            if room < 0:
                raise TooLarge(most_byte_count)
            pieces.append(piece)
            if not message.get("more_body", False):
                return b"".join(pieces)

    async def reply(self, status: int, body: bytes, headers: Headers = (), *, kind: str = JSON) -> None:
        """Answer all at once."""
        await self._begin(status, (*headers, ("content-length", str(len(body)))), kind)
        await self._send({"type": "http.response.body", "body": body})

    async def begin_stream(self, headers: Headers = ()) -> None:
        """Begin a stream of server-sent events."""
        await self._begin(200, (*headers, *_UNBUFFERED), EVENT_STREAM)

    async def write(self, event: bytes) -> None:
        """Send a whole event, or a comment."""
        await self._send({"type": "http.response.body", "body": event, "more_body": True})

    async def end_stream(self) -> None:
        """End the stream."""
        await self._send({"type": "http.response.body", "body": b""})

    async def unless_left(self, work: Coroutine[Any, Any, None]) -> None:
        """Do ``work`` until it is done, or cancel it as soon as the client leaves: then raises ClientLeft."""
        doing = asyncio.ensure_future(work)
        leaving = asyncio.ensure_future(self._until_left())
        try:
            await asyncio.wait((doing, leaving), return_when=asyncio.FIRST_COMPLETED)
            if not doing.done():
                raise ClientLeft
            doing.result()
        finally:
            await _ended(doing, leaving)

    async def _until_left(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _begin(self, status: int, headers: Headers, kind: str) -> None:
        self.is_answered = True
        sent = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in (*self.named, *headers)]
        sent.append((b"content-type", kind.encode("latin-1")))
        await self._send({"type": "http.response.start", "status": status, "headers": sent})


async def _ended(*tasks: asyncio.Future[None]) -> None:
    running = [task for task in tasks if not task.done()]
    for task in running:
        task.cancel()
    if running:
        await asyncio.gather(*running, return_exceptions=True)


def int_of(text: str | None) -> int:
    """The number in a header; 0 where there is none."""
    return int(text) if text is not None and text.isascii() and text.isdigit() else 0
