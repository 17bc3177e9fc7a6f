"""A small real HTTP server that speaks the messages API."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tests.chat_server import CONTEXT, STREAM_HEAD, draw_words, respond


def event(kind: str, **fields: Any) -> bytes:
    """Make one event of the stream, with its name beside its data as the API has it."""
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def start(**usage: int) -> bytes:
    """Begin an answer, with what was read."""
    counts = {"input_tokens": 5, "output_tokens": 1} | usage
    return event("message_start", message={"type": "message", "content": [], "usage": counts})


def text(content: str) -> bytes:
    """Give a piece of the answer."""
    return event("content_block_delta", index=0, delta={"type": "text_delta", "text": content})


def thought(content: str) -> bytes:
    """Give a piece of the reasoning."""
    return event("content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": content})


def end(reason: str = "end_turn", output_tokens: int = 1) -> bytes:
    """End an answer."""
    delta = {"stop_reason": reason, "stop_sequence": None}
    return event("message_delta", delta=delta, usage={"output_tokens": output_tokens}) + event("message_stop")


async def model(body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
    """Answer as a model would: with stop sequences, limit, pings and usage."""
    if "path" in body:
        return respond(writer, "200 OK", {"data": [{"id": "words"}]})
    asked = " ".join(message["content"] for message in body["messages"])
    if len(asked) // 4 >= CONTEXT:
        error = {"type": "invalid_request_error", "message": "prompt is too long: 5000 tokens > 2048 maximum"}
        return respond(writer, "400 Bad Request", {"type": "error", "error": error})
    words, finish = draw_words(body | {"stop": body.get("stop_sequences", ())}, asked)
    writer.write(STREAM_HEAD + start(input_tokens=len(asked.split()) + 1))
    writer.write(event("content_block_start", index=0, content_block={"type": "text", "text": ""}))
    writer.write(event("ping"))
    for word in words:
        writer.write(text(word))
        await writer.drain()
        await asyncio.sleep(0)
    writer.write(event("content_block_stop", index=0))
    writer.write(end("max_tokens" if finish == "length" else "stop_sequence", len(words)))
    return None
