"""A small real HTTP server that speaks the chat completions API, and one that misbehaves as told."""

from __future__ import annotations

import asyncio
import json
import random
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

Script = Callable[[dict[str, Any], asyncio.StreamWriter], Awaitable[None]]
CONTEXT = 2048
_WORDS = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa"]
STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"


@asynccontextmanager
async def serve(
    script: Script, *, heads: list[str] | None = None, identity: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """Serve ``script`` on a free port; yield the base URL. A dropped client ends its script.

    ``heads`` collects request line and headers of every request; ``identity`` makes it speak TLS.
    """
    connections: set[asyncio.Task[None] | None] = set()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.add(asyncio.current_task())
        try:
            body = await _read_request(reader, [] if heads is None else heads)
            await _until_gone(reader, script(body, writer))
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            connections.discard(asyncio.current_task())

    server = await asyncio.start_server(connect, "127.0.0.1", 0, ssl=identity)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        server.close()
        for connection in tuple(connections):
            assert connection is not None
            connection.cancel()
        await server.wait_closed()


async def _until_gone(reader: asyncio.StreamReader, playing: Awaitable[None]) -> None:
    """Wait for the script, or cancel it when the client closes its side."""
    script, gone = asyncio.ensure_future(playing), asyncio.create_task(reader.read(1))
    try:
        await asyncio.wait({script, gone}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        script.cancel()
        gone.cancel()
        ended = await asyncio.gather(script, gone, return_exceptions=True)
    if isinstance(ended[0], Exception):
        raise ended[0]


async def _read_request(reader: asyncio.StreamReader, heads: list[str]) -> dict[str, Any]:
    """Return the JSON body, or for a GET only its path."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    heads.append(head)
    method, path, _ = head.split(" ", 2)
    if method == "GET":
        return {"path": path}
    length = next(int(line[15:]) for line in head.splitlines() if line.lower().startswith("content-length:"))
    body: dict[str, Any] = json.loads(await reader.readexactly(length))
    return body


def respond(writer: asyncio.StreamWriter, status: str, body: object, *headers: str) -> None:
    """Write a whole JSON response, such as ``respond(writer, "429 Too Many Requests", {})``."""
    data = json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(data)}", "connection: close", *headers]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + data)


def event(content: str | None = None, *, finish: str | None = None, **more: Any) -> bytes:
    """Make one chunk of the stream."""
    delta = {} if content is None else {"content": content}
    chunk = {"choices": [{"index": 0, "delta": delta, "finish_reason": finish, **more}]}
    return f"data: {json.dumps(chunk)}\n\n".encode()


def usage(read: int, written: int) -> bytes:
    """Make the last chunk, which holds the account."""
    counts = {"prompt_tokens": read, "completion_tokens": written}
    return f"data: {json.dumps({'choices': [], 'usage': counts})}\n\n".encode()


async def model(body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
    """Answer as a model would: words drawn by the seed, with logprobs, stop, limit and usage."""
    if "path" in body:
        return respond(writer, "200 OK", {"data": [{"id": "words"}]})
    asked = " ".join(message["content"] for message in body["messages"])
    if len(asked) // 4 >= CONTEXT:
        return respond(writer, "400 Bad Request", {"error": {"code": "context_length_exceeded"}})
    words, finish = draw_words(body, asked)
    writer.write(STREAM_HEAD)
    for word in words:
        top = [{"token": word, "logprob": -0.1}, {"token": "?", "logprob": -3.0}]
        logprobs = {"content": [top[0] | {"top_logprobs": top}]} if body.get("logprobs") else None
        writer.write(event(word, logprobs=logprobs))
        await writer.drain()
        await asyncio.sleep(0)
    writer.write(event(finish=finish))
    writer.write(usage(len(asked.split()) + 1, len(words)) + b"data: [DONE]\n\n")
    return None


def draw_words(body: dict[str, Any], asked: str) -> tuple[list[str], str]:
    """Words of an answer within ``max_tokens`` and before any ``stop``, and why it ends there."""
    seed = f"{asked}{body.get('seed')}" if body["temperature"] else asked
    draw = random.Random(seed)
    words: list[str] = []
    while len(words) < body["max_tokens"]:
        words.append(draw.choice(_WORDS) + " ")
        text = "".join(words)
        cuts = [text.index(stop) for stop in body.get("stop", ()) if stop in text]
        if cuts:
            return re.findall(r"\S* ?", text[: min(cuts)])[:-1], "stop"
    return words, "length"
