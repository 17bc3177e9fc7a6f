"""A chat completion as it goes out: whole, or in chunks.

Decides the shape of both. ``usage`` is of the tier that answered; what all attempts took is in the account:
in the headers, or in the object ``upshift`` of a stream's last chunk.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from backends.tools import ToolCall
from backends.types import TokenLogprob, Usage
from router.events import Result
from router.gateway.account import account_object
from router.gateway.body import dump
from router.gateway.running import Answered

DONE = b"data: [DONE]\n\n"


def completion(
    answered: Sequence[Answered], request_id: str, created: int, *, debug: bool = False
) -> dict[str, Any]:
    """The whole answer."""
    first = answered[0]
    found = {
        "id": f"chatcmpl-{request_id}",
        "object": "chat.completion",
        "created": created,
        "model": first.result.tier,
        "choices": [_choice(index, one.result) for index, one in enumerate(answered)],
        "usage": usage_object(total_usage(answered)),
    }
    if debug:
        found["upshift"] = account_object(first.decided, first.result, debug=True)
    return found


def _choice(index: int, result: Result) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": result.text or None, "refusal": None}
    if not result.tool_calls:
        message["content"] = result.text
    else:
        message["tool_calls"] = [_call(call) for call in result.tool_calls]
    if result.reasoning:
        message["reasoning_content"] = result.reasoning
    return {
        "index": index,
        "message": message,
        "logprobs": logprobs_object(result.tokens),
        "finish_reason": result.finish_reason.value,
    }


def _call(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def answer_usage(result: Result) -> Usage:
    """Tokens of the attempt whose answer this is."""
    return next(report.usage for report in result.attempts if report.number == result.attempt_number)


def total_usage(answered: Sequence[Answered]) -> Usage:
    """Tokens of all answers; the prompt counts once, as OpenAI counts it."""
    usages = [answer_usage(one.result) for one in answered]
    return Usage(
        usages[0].input_token_count,
        sum(usage.output_token_count for usage in usages),
        usages[0].cached_input_token_count,
    )


def usage_object(usage: Usage) -> dict[str, Any]:
    """Tokens as OpenAI names them."""
    return {
        "prompt_tokens": usage.input_token_count,
        "completion_tokens": usage.output_token_count,
        "total_tokens": usage.input_token_count + usage.output_token_count,
        "prompt_tokens_details": {"cached_tokens": usage.cached_input_token_count},
    }


def logprobs_object(tokens: Sequence[TokenLogprob]) -> dict[str, Any] | None:
    """Log-probabilities as OpenAI names them; None: there are none."""
    if not tokens:
        return None
    content = [
        {**_token(token.text, token.logprob), "top_logprobs": [_token(*other) for other in token.top]}
        for token in tokens
    ]
    return {"content": content, "refusal": None}


def _token(text: str, logprob: float) -> dict[str, Any]:
    # JSON has no NaN; -9999 is what OpenAI says where a token is too improbable to tell.
    return {
        "token": text,
        "logprob": logprob if logprob == logprob else -9999.0,  # noqa: PLR0124  NaN alone differs from itself
        "bytes": list(text.encode("utf-8", "replace")),
    }


class ChunkWriter:
    """Fills :class:`router.gateway.streaming.Writer` by chunks of the choice ``index``."""

    comment = b": waiting\n\n"

    def __init__(self, request_id: str, created: int, index: int = 0, *, debug: bool = False) -> None:
        self._request_id = request_id
        self._created = created
        self._index = index
        self._debug = debug
        self._before = self._after = b""

    def begin(self, tier: str) -> bytes:
        """The role; and what every chunk repeats is written once."""
        head = {
            "id": f"chatcmpl-{self._request_id}",
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": tier,
        }
        opened = json.dumps(head, separators=(",", ":"))[:-1]
        self._before = f'data: {opened},"choices":[{{"index":{self._index},"delta":'.encode()
        self._after = b',"logprobs":null,"finish_reason":null}]}\n\n'
        return self._chunk({"role": "assistant", "content": "", "refusal": None})

    def text(self, text: str) -> bytes:
        """A piece of the content."""
        return self._chunk({"content": text})

    def end(self, answered: Answered) -> bytes:
        """Calls of tools, reasoning and log-probabilities, then why it ended, with the account."""
        result = answered.result
        told = b""
        if result.reasoning:
            told += self._chunk({"reasoning_content": result.reasoning})
        if result.tool_calls:
            calls = [{"index": place, **_call(call)} for place, call in enumerate(result.tool_calls)]
            told += self._chunk({"tool_calls": calls})
        end = {
            "index": self._index,
            "delta": {},
            "logprobs": logprobs_object(result.tokens),
            "finish_reason": result.finish_reason.value,
        }
        account = account_object(answered.decided, result, debug=self._debug)
        head = self._before.partition(b',"choices":')[0]
        return told + head + b',"choices":[' + dump(end) + b'],"upshift":' + dump(account) + b"}\n\n"

    def usage(self, answered: Sequence[Answered]) -> bytes:
        """The last chunk, where usage is asked for."""
        head = self._before.partition(b',"choices":')[0]
        return head + b',"choices":[],"usage":' + dump(usage_object(total_usage(answered))) + b"}\n\n"

    def _chunk(self, delta: dict[str, Any]) -> bytes:
        return self._before + dump(delta) + self._after
