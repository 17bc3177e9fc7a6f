"""A provider in a process of its own, as cheap as one can be: it says the same to everybody.

Keeps its connections, and writes an answer's chunks one by one, ``pause_s`` apart, as a model does.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import re
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import cast

import uvloop

from tests.chat_server import event, usage

CHUNK_COUNT = 64
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\n"
_STREAM = b"text/event-stream\r\ntransfer-encoding: chunked"
_WHOLE = (
    b'{"id": "chatcmpl-1", "object": "chat.completion", "created": 1764201600, "model": "m", "choices": '
    b'[{"index": 0, "message": {"role": "assistant", "content": "yes"}, "finish_reason": "stop"}],'
    b' "usage": {"prompt_tokens": 10, "completion_tokens": 1, "total_tokens": 11}}'
)
_WANTS_STREAM = re.compile(rb'"stream"\s*:\s*true')


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


class _Provider(asyncio.Protocol):
    """Streams where it is asked to, one chunk under ``/short`` and many elsewhere; else answers whole."""

    def __init__(self, pause_s: float) -> None:
        self._pause_s = pause_s
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is of another class

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        length = next(
            (int(x[15:]) for x in head.lower().split(b"\r\n") if x.startswith(b"content-length:")), 0
        )
        if end and len(body) >= length:
            self._received = b""
            self._answer(head.split(b" ", 2)[1], body)

    def _answer(self, path: bytes, body: bytes) -> None:
        if _WANTS_STREAM.search(body) is None:
            head = _HEAD % b"application/json" + f"content-length: {len(_WHOLE)}\r\n\r\n".encode()
            self._transport.write(head + _WHOLE)
            return
        count = 1 if path.startswith(b"/short") else CHUNK_COUNT
        self._transport.write(_HEAD % _STREAM + b"\r\n")
        self._go_on(count)

    def _go_on(self, left: int) -> None:
        if left:
            self._transport.write(_chunk(event("word ")))
            asyncio.get_running_loop().call_later(self._pause_s, self._go_on, left - 1)
        else:
            last = event(finish="stop") + usage(10, CHUNK_COUNT) + b"data: [DONE]\n\n"
            self._transport.write(_chunk(last) + b"0\r\n\r\n")


async def _serve(pipe: Connection, pause_s: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Provider(pause_s), "127.0.0.1", 0)
    pipe.send(server.sockets[0].getsockname()[1])
    await asyncio.Event().wait()


def _main(pipe: Connection, pause_s: float) -> None:
    uvloop.run(_serve(pipe, pause_s))


@contextmanager
def upstream(pause_s: float = 0.001) -> Iterator[str]:
    """Run a provider until the block ends; yield its address, ``http://host:port``."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_main, args=(theirs, pause_s))
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()
