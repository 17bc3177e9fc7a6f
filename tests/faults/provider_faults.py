"""Providers that fail, each written by hand on a real socket: what they do to a request for an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from tests import chat_server
from tests.backends.dialects import Dialect
from tests.chat_server import STREAM_HEAD, Script, respond

Fault = Callable[[Dialect], Script]
_CHUNKED = STREAM_HEAD.replace(b"connection: close", b"transfer-encoding: chunked")


def writes(*pieces: bytes, then: Callable[[asyncio.StreamWriter], Any] | None = None) -> Script:
    """Write ``pieces`` as they are, and then do as told."""

    async def script(_: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        writer.write(b"".join(pieces))
        await writer.drain()
        if then is not None:
            await then(writer)

    return script


async def resets(writer: asyncio.StreamWriter) -> None:
    """Break the connection off, with RST where the system does."""
    writer.transport.abort()


async def stalls(_: asyncio.StreamWriter) -> None:
    """Do nothing for longer than anybody waits."""
    await asyncio.Event().wait()


async def drips(writer: asyncio.StreamWriter) -> None:
    """Send a comment now and then, and never a word."""
    while True:
        writer.write(b": still here\n\n")
        await writer.drain()
        await asyncio.sleep(0.02)


def says(status: str, *headers: str, code: str = "broken") -> Fault:
    """Answer with a status and an error body."""

    def fault(_: Dialect) -> Script:
        async def script(_: dict[str, Any], writer: asyncio.StreamWriter) -> None:
            respond(writer, status, {"error": {"code": code, "message": "a secret prompt"}}, *headers)

        return script

    return fault


def _half(dialect: Dialect) -> bytes:
    return STREAM_HEAD + dialect.begin + dialect.text("half ")


FAULTS: dict[str, Fault] = {
    "closes_at_once": lambda _: writes(),
    "resets_before_the_first_byte": lambda _: writes(then=resets),
    "resets_after_the_first_byte": lambda _: writes(STREAM_HEAD[:1], then=resets),
    "resets_after_the_head": lambda _: writes(STREAM_HEAD, then=resets),
    "resets_after_text": lambda d: writes(_half(d), then=resets),
    "stalls_before_the_first_byte": lambda _: writes(then=stalls),
    "stalls_after_the_head": lambda _: writes(STREAM_HEAD, then=stalls),
    "stalls_after_text": lambda d: writes(_half(d), then=stalls),
    "drips_without_a_word": lambda _: writes(STREAM_HEAD, then=drips),
    "drips_after_text": lambda d: writes(_half(d), then=drips),
    "429": says("429 Too Many Requests", code="rate_limit_exceeded"),
    "429_with_retry_after": says("429 Too Many Requests", "retry-after: 0.02"),
    "429_with_a_long_retry_after": says("429 Too Many Requests", "retry-after: 3600"),
    "429_with_a_date_long_past": says("429 Too Many Requests", "retry-after: Thu, 01 Jan 1970 00:00:00 GMT"),
    "429_with_a_date_far_ahead": says("429 Too Many Requests", "retry-after: Fri, 31 Dec 9999 23:59:59 GMT"),
    "429_with_a_retry_after_that_is_none": says("429 Too Many Requests", "retry-after: soon"),
    "500": says("500 Internal Server Error"),
    "502": says("502 Bad Gateway"),
    "503": says("503 Service Unavailable"),
    "503_with_retry_after": says("503 Service Unavailable", "retry-after: 0.02"),
    "504": says("504 Gateway Timeout"),
    "401": says("401 Unauthorized", code="invalid_api_key"),
    "truncated_stream": lambda d: writes(_half(d)),
    "truncated_event": lambda d: writes(_half(d) + d.text("more")[:-9]),
    "truncated_chunk": lambda d: writes(_CHUNKED + b"ff\r\n" + d.text("x")),
    "bad_chunk_size": lambda d: writes(_CHUNKED + b"zz\r\n" + d.text("x")),
    "malformed_json": lambda d: writes(STREAM_HEAD, d.begin, b"data: {not json\n\n"),
    "json_of_another_form": lambda d: writes(STREAM_HEAD, d.begin, b'data: [{"a": 1}]\n\n'),
    "json_too_deep": lambda d: writes(STREAM_HEAD, d.begin, b"data: " + b"[" * 99_999 + b"\n\n"),
    "endless_event": lambda d: writes(STREAM_HEAD, d.begin, b"data: " + b"x" * (3 << 20)),
    "no_http": lambda _: writes(b"SSH-2.0-OpenSSH_9.9\r\n\r\n"),
    "no_utf8": lambda d: writes(STREAM_HEAD, d.begin, b'data: {"x": "\xff\xfe"}\n\n'),
}

FINAL = frozenset({"401", "504", "429_with_a_long_retry_after", "429_with_a_date_far_ahead"})
"""Faults after which the same tier is not asked again: refusals, time that ran out, a wait too long."""

DRIPS = frozenset({"drips_without_a_word", "drips_after_text"})
"""Faults that keep the line busy, and take all the time that an attempt has."""


def _said(word: str, **logprob: Any) -> bytes:
    return chat_server.event(word, logprobs={"content": [{"token": word} | logprob]})


_END = chat_server.event(finish="stop") + chat_server.usage(5, 2) + b"data: [DONE]\n\n"

WRONG_LOGPROBS: dict[str, bytes] = {
    "positive": _said("yes", logprob=5.0),
    "minus_infinity": _said("yes", logprob=-9e999).replace(b"-Infinity", b"-1e999"),
    "not_a_number": _said("yes", logprob="certain"),
    "missing": _said("yes"),
    "null": _said("yes", logprob=None),
    "of_another_text": chat_server.event("yes", logprobs={"content": [{"token": "no!", "logprob": -0.01}]}),
    "far_too_many": chat_server.event("yes", logprobs={"content": [{"token": "a", "logprob": -0.01}] * 5000}),
    "no_list": chat_server.event("yes", logprobs={"content": "yes"}),
    "positive_runner_up": _said(
        "yes",
        logprob=-0.01,
        top_logprobs=[{"token": "no", "logprob": 9.0}, {"token": "yes", "logprob": -0.01}],
    ),
}
"""Answers of one word whose log-probabilities are wrong."""


def lies(event: bytes) -> Script:
    """Answer in full, with wrong log-probabilities."""
    return writes(STREAM_HEAD, event, _END)


def says_well() -> Script:
    """Answer one word, and be sure of it."""
    return lies(_said("well", logprob=-0.01))


def then(first: Script, second: Script) -> Script:
    """Play ``first`` to the first caller, and ``second`` to all others."""
    call_count = 0

    async def script(body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        nonlocal call_count
        call_count += 1
        await (first if call_count == 1 else second)(body, writer)

    return script
