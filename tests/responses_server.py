"""A small real HTTP server that speaks the responses API."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tests.chat_server import CONTEXT, STREAM_HEAD, draw_words, respond


def event(kind: str, **fields: Any) -> bytes:
    """Make one event of the stream, with its name beside its data as the API has it."""
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def text(content: str, **fields: Any) -> bytes:
    """Give a piece of the answer."""
    return event("response.output_text.delta", output_index=0, delta=content, **fields)


def end(status: str = "completed", *, input_tokens: int = 5, output_tokens: int = 1, **fields: Any) -> bytes:
    """End an answer."""
    usage = {"input_tokens": input_tokens, "output_tokens": output_tokens}
    return event(f"response.{status}", response={"status": status, "usage": usage} | fields)


async def model(body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
    """Answer as a model would: with log-probabilities, limit and usage, and without stop strings."""
    if "path" in body:
        return respond(writer, "200 OK", {"data": [{"id": "words"}]})
    asked = " ".join(message["content"] for message in body["input"])
    if len(asked) // 4 >= CONTEXT:
        return respond(writer, "400 Bad Request", {"error": {"code": "context_length_exceeded"}})
    words, finish = draw_words(body | {"max_tokens": body["max_output_tokens"], "stop": ()}, asked)
    writer.write(STREAM_HEAD + event("response.created", response={"status": "in_progress"}))
    for word in words:
        top = [{"token": word, "logprob": -0.1}, {"token": "?", "logprob": -3.0}]
        writer.write(text(word, logprobs=[top[0] | {"top_logprobs": top}] if "include" in body else []))
        await writer.drain()
        await asyncio.sleep(0)
    counts: dict[str, Any] = {"input_tokens": len(asked.split()) + 1, "output_tokens": len(words)}
    writer.write(event("response.output_text.done", output_index=0, text="".join(words)))
    if finish == "length":
        writer.write(end("incomplete", **counts, incomplete_details={"reason": "max_output_tokens"}))
    else:
        writer.write(end(**counts))
    return None
