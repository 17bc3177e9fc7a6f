"""A message as Anthropic's API gives it: whole, or event by event.

Input tokens are those that came from no cache, as there. A stop sequence is told apart from an answer's own
end where its tier tells it: those that speak chat completions do not, unless they were cut here.
"""

from __future__ import annotations

import json
from typing import Any

from backends.tools import ToolCall
from backends.types import FinishReason, Usage
from router.events import Result
from router.gateway.account import account_object
from router.gateway.body import dump
from router.gateway.openai.chat_answer import answer_usage
from router.gateway.running import Answered

_STOPS = {
    FinishReason.STOP: "end_turn",
    FinishReason.LENGTH: "max_tokens",
    FinishReason.TOOL_CALLS: "tool_use",
}


def message(answered: Answered, request_id: str, *, debug: bool = False) -> dict[str, Any]:
    """The whole answer."""
    result = answered.result
    found = _head(request_id, result.tier) | {
        "content": _content(result),
        **_ending(result),
        "usage": _usage(answer_usage(result)),
    }
    if debug:
        found["upshift"] = account_object(answered.decided, result, debug=True)
    return found


def _ending(result: Result) -> dict[str, Any]:
    if result.stop_sequence is not None and result.finish_reason is FinishReason.STOP:
        return {"stop_reason": "stop_sequence", "stop_sequence": result.stop_sequence}
    return {"stop_reason": _STOPS[result.finish_reason], "stop_sequence": None}


def _head(request_id: str, tier: str) -> dict[str, Any]:
    return {
        "id": f"msg_{request_id}",
        "type": "message",
        "role": "assistant",
        "model": tier,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": _usage(Usage()),
    }


def _content(result: Result) -> list[dict[str, Any]]:
    text = [{"type": "text", "text": result.text}] if result.text or not result.tool_calls else []
    return [*text, *map(_tool_use, result.tool_calls)]


def _tool_use(call: ToolCall) -> dict[str, Any]:
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": _input(call.arguments)}


def _input(arguments: str) -> dict[str, Any]:
    """The arguments as the object that the API promises; what is none is passed on as text, not lost."""
    try:
        found = json.loads(arguments or "{}")
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"_malformed_arguments": arguments}


def _usage(usage: Usage) -> dict[str, int]:
    return {
        "input_tokens": usage.input_token_count - usage.cached_input_token_count,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": usage.cached_input_token_count,
        "output_tokens": usage.output_token_count,
    }


class EventWriter:
    """Fills :class:`router.gateway.streaming.Writer` by the API's events."""

    comment = b'event: ping\ndata: {"type":"ping"}\n\n'

    def __init__(self, request_id: str, *, debug: bool = False) -> None:
        self._request_id = request_id
        self._debug = debug
        self._has_text = False

    def begin(self, tier: str) -> bytes:
        """The message, still empty."""
        return _event("message_start", message=_head(self._request_id, tier)) + self.comment

    def text(self, text: str) -> bytes:
        """A piece of the first block."""
        told = b"" if self._has_text else self._text_begins()
        self._has_text = True
        return told + _event("content_block_delta", index=0, delta={"type": "text_delta", "text": text})

    def end(self, answered: Answered) -> bytes:
        """The blocks of calls, then why it ended and what it took."""
        result = answered.result
        told = b""
        if not self._has_text and not result.tool_calls:
            self._has_text = True
            told += self._text_begins()
        if self._has_text:
            told += _event("content_block_stop", index=0)
        for place, call in enumerate(result.tool_calls, start=int(self._has_text)):
            told += _call_events(place, call)
        told += _event(
            "message_delta",
            delta=_ending(result),
            usage=_usage(answer_usage(result)),
            upshift=account_object(answered.decided, result, debug=self._debug),
        )
        return told + _event("message_stop")

    def _text_begins(self) -> bytes:
        return _event("content_block_start", index=0, content_block={"type": "text", "text": ""})


def _call_events(place: int, call: ToolCall) -> bytes:
    block = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
    arguments = json.dumps(_input(call.arguments), ensure_ascii=False)
    return (
        _event("content_block_start", index=place, content_block=block)
        + _event(
            "content_block_delta", index=place, delta={"type": "input_json_delta", "partial_json": arguments}
        )
        + _event("content_block_stop", index=place)
    )


def _event(kind: str, **fields: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), dump({"type": kind, **fields}))
