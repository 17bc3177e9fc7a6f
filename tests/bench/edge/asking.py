"""One question to a server, and when its answer came: over gRPC or over server-sent events.

A token is what the server sent as one; the text of every answer is known (see ``chain``), so a
server that lost or added tokens is found out and not rewarded.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Unpack

import httpx

from router.events import TextDelta
from router.rpc.client import Answer, AsyncClient
from router.rpc.client.question import Options, Question


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer and its times, all on the clock of ``time.perf_counter``."""

    text: str
    token_count: int
    asked_s: float
    first_s: float
    last_s: float

    @property
    def first_token_s(self) -> float:
        """From the question to the first text."""
        return self.first_s - self.asked_s

    @property
    def inter_token_s(self) -> float:
        """Mean time between tokens after the first."""
        return (self.last_s - self.first_s) / max(1, self.token_count - 1)


Ask = Callable[..., Awaitable[Answered]]
"""Takes the prompt; Upshift takes a conversation too, and the options of its client."""


async def ask_upshift(client: AsyncClient, question: Question, **options: Unpack[Options]) -> Answered:
    """Ask over StreamGenerate, greedily as by default; the count is the router's own account."""
    asked = time.perf_counter()
    first = last = 0.0
    answer: Answer | None = None
    async for event in client.stream(question, **options):
        if isinstance(event, TextDelta):
            last = time.perf_counter()
            first = first or last
        elif isinstance(event, Answer):
            answer = event
    assert answer is not None
    return Answered(answer.text, answer.usage.output_token_count, asked, first or last, last)


async def ask_openai(client: httpx.AsyncClient, prompt: str, body: Mapping[str, Any]) -> Answered:
    """Ask ``/v1/completions``, greedily; every event with text is a token."""
    asked = time.perf_counter()
    pieces: list[str] = []
    first = last = 0.0
    whole = {"model": "model", "prompt": prompt, "temperature": 0.0, "stream": True, **body}
    async with client.stream("POST", "/v1/completions", json=whole) as response:
        response.raise_for_status()
        async for line in response.aiter_lines():
            if text := _text(line):
                last = time.perf_counter()
                first = first or last
                pieces.append(text)
    return Answered("".join(pieces), len(pieces), asked, first, last)


def _text(line: str) -> str:
    if not line.startswith("data: {"):
        return ""
    choices = json.loads(line[len("data: ") :]).get("choices")
    return str(choices[0]["text"]) if choices else ""
