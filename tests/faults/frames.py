"""HTTP/2 by hand: what no well-behaved client would send (RFC 9113)."""

from __future__ import annotations

import asyncio
import struct
from contextlib import suppress
from typing import Self

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, CONTINUATION = 0x1, 0x3, 0x4, 0x6, 0x7, 0x9
END_HEADERS = 0x4
_CANCEL = 0x8


def frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    """A frame as it goes over the wire."""
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def field(name: str, value: str) -> bytes:
    """A header, written out (RFC 7541, 6.2.2)."""
    texts = (name.encode(), value.encode())
    return b"\x00" + b"".join(bytes([len(text)]) + text for text in texts)


def call(method: str) -> bytes:
    """The headers that begin a call."""
    fields = {":method": "POST", ":scheme": "http", ":path": method, ":authority": "localhost"}
    fields |= {"te": "trailers", "content-type": "application/grpc"}
    return b"".join(field(name, value) for name, value in fields.items())


def reset(stream: int) -> bytes:
    """Give a call up."""
    return frame(RST_STREAM, stream=stream, payload=struct.pack(">I", _CANCEL))


class Peer:
    """A connection that says whatever it is told to."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def __aenter__(self) -> Self:
        host, _, port = self._address.rpartition(":")
        self._reader, self._writer = await asyncio.open_connection(host, int(port))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()

    async def say(self, data: bytes) -> None:
        """Send bytes; those that nobody takes any more are lost."""
        with suppress(ConnectionError):
            self._writer.write(data)
            await self._writer.drain()

    async def greet(self) -> None:
        """Say hello as HTTP/2 wants it."""
        await self.say(PREFACE + frame(SETTINGS))

    async def until_let_go(self, timeout_s: float = 60.0) -> bytes:
        """Read until the server ends the connection; return all that it said."""
        said = b""
        with suppress(ConnectionError):
            async with asyncio.timeout(timeout_s):
                while part := await self._reader.read(1 << 16):
                    said += part
        return said
