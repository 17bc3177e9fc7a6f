"""A response as OpenAI's responses API gives it: whole, or event by event.

Every event has a number; text, calls and the whole come each with its beginning and its end, as there.
"""

from __future__ import annotations

from typing import Any

from backends.tools import ToolCall
from backends.types import FinishReason, Usage
from router.events import Result
from router.gateway.account import account_object
from router.gateway.body import dump
from router.gateway.openai.chat_answer import answer_usage, logprobs_object
from router.gateway.openai.responses_body import ResponsesBody
from router.gateway.running import Answered


class Shape:
    """What of a response is known before it is answered: its names, and what it was asked with."""

    def __init__(self, body: ResponsesBody, request_id: str, created: int) -> None:
        self._body = body
        self._created = created
        self.id = f"resp_{request_id}"
        self.message_id = f"msg_{request_id}"

    def response(self, tier: str, status: str) -> dict[str, Any]:
        """The response without its output."""
        body = self._body
        return {
            "id": self.id,
            "object": "response",
            "created_at": self._created,
            "status": status,
            "model": tier,
            "output": [],
            "error": None,
            "incomplete_details": None,
            "instructions": body.instructions,
            "max_output_tokens": body.max_output_tokens,
            "metadata": body.metadata or {},
            "parallel_tool_calls": body.parallel_tool_calls is not False,
            "previous_response_id": None,
            "reasoning": {"effort": None, "summary": None},
            "store": False,
            "temperature": body.temperature,
            "text": _plain(body.text) or {"format": {"type": "text"}},
            "tool_choice": _plain(body.tool_choice) or "auto",
            "tools": [_plain(tool) for tool in body.tools or ()],
            "top_p": body.top_p,
            "truncation": "disabled",
            "usage": None,
        }

    def complete(self, answered: Answered, *, debug: bool = False) -> dict[str, Any]:
        """The whole response."""
        result = answered.result
        is_cut = result.finish_reason is FinishReason.LENGTH
        found = self.response(result.tier, "incomplete" if is_cut else "completed")
        found["output"] = self.output(result)
        found["usage"] = _usage(answer_usage(result))
        if is_cut:
            found["incomplete_details"] = {"reason": "max_output_tokens"}
        if debug:
            found["upshift"] = account_object(answered.decided, result, debug=True)
        return found

    def output(self, result: Result) -> list[dict[str, Any]]:
        """The message, where it says anything, and the calls."""
        has_text = bool(result.text) or not result.tool_calls
        items = [self.message(text_part(result), "completed")] if has_text else []
        return [*items, *(call_item(call) for call in result.tool_calls)]

    def message(self, part: dict[str, Any] | None, status: str) -> dict[str, Any]:
        """The message with its one part; None: it has none yet."""
        return {
            "id": self.message_id,
            "type": "message",
            "role": "assistant",
            "status": status,
            "content": [] if part is None else [part],
        }


def _plain(value: Any) -> Any:
    return value.model_dump(by_alias=True, exclude_none=True) if hasattr(value, "model_dump") else value


def text_part(result: Result) -> dict[str, Any]:
    """The text, with log-probabilities where they were asked for."""
    logprobs = logprobs_object(result.tokens)
    return {
        "type": "output_text",
        "text": result.text,
        "annotations": [],
        "logprobs": [] if logprobs is None else logprobs["content"],
    }


def call_item(call: ToolCall, *, is_begun_only: bool = False) -> dict[str, Any]:
    """A call; begun only, it has no arguments yet."""
    return {
        "id": f"fc_{call.id}",
        "type": "function_call",
        "call_id": call.id,
        "name": call.name,
        "arguments": "" if is_begun_only else call.arguments,
        "status": "in_progress" if is_begun_only else "completed",
    }


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.input_token_count,
        "input_tokens_details": {"cached_tokens": usage.cached_input_token_count},
        "output_tokens": usage.output_token_count,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.input_token_count + usage.output_token_count,
    }


class EventWriter:
    """Fills :class:`router.gateway.streaming.Writer` by the API's events."""

    comment = b": waiting\n\n"

    def __init__(self, shape: Shape, *, debug: bool = False) -> None:
        self._shape = shape
        self._debug = debug
        self._number = 0
        self._has_text = False

    def begin(self, tier: str) -> bytes:
        """The response, still empty."""
        response = self._shape.response(tier, "in_progress")
        return self._event("response.created", response=response) + self._event(
            "response.in_progress", response=response
        )

    def text(self, text: str) -> bytes:
        """A piece of the message."""
        told = self._text_begins()
        return told + self._event("response.output_text.delta", **self._place(), delta=text, logprobs=[])

    def end(self, answered: Answered) -> bytes:
        """The end of the message, the calls, and the whole response with its account."""
        result = answered.result
        told = b"" if result.tool_calls and not result.text else self._text_begins()
        if self._has_text:
            told += self._text_ends(result)
        for place, call in enumerate(result.tool_calls, start=int(self._has_text)):
            told += self._call(place, call)
        response = self._shape.complete(answered)
        response["upshift"] = account_object(answered.decided, result, debug=self._debug)
        return told + self._event(f"response.{response['status']}", response=response)

    def _text_begins(self) -> bytes:
        if self._has_text:
            return b""
        self._has_text = True
        item = self._shape.message(None, "in_progress")
        part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
        return self._event("response.output_item.added", output_index=0, item=item) + self._event(
            "response.content_part.added", **self._place(), part=part
        )

    def _text_ends(self, result: Result) -> bytes:
        part = text_part(result)
        done = self._event(
            "response.output_text.done", **self._place(), text=result.text, logprobs=part["logprobs"]
        )
        done += self._event("response.content_part.done", **self._place(), part=part)
        item = self._shape.message(part, "completed")
        return done + self._event("response.output_item.done", output_index=0, item=item)

    def _call(self, place: int, call: ToolCall) -> bytes:
        where = {"item_id": f"fc_{call.id}", "output_index": place}
        told = self._event(
            "response.output_item.added", output_index=place, item=call_item(call, is_begun_only=True)
        )
        told += self._event("response.function_call_arguments.delta", **where, delta=call.arguments)
        told += self._event(
            "response.function_call_arguments.done", **where, name=call.name, arguments=call.arguments
        )
        return told + self._event("response.output_item.done", output_index=place, item=call_item(call))

    def _place(self) -> dict[str, Any]:
        return {"item_id": self._shape.message_id, "output_index": 0, "content_index": 0}

    def _event(self, kind: str, **fields: Any) -> bytes:
        number = self._number
        self._number += 1
        return b"event: %b\ndata: %b\n\n" % (
            kind.encode(),
            dump({"type": kind, "sequence_number": number, **fields}),
        )
