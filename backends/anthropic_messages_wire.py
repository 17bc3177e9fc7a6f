"""The Anthropic messages API as data: the request that a prompt becomes, and the events that come back.

Decides the form of both, for API version 2023-06-01. Does no I/O. Unknown events and fields are skipped,
as the API's rules for versions ask of clients.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from backends import types
from backends.anthropic_messages_tools import call_block, is_result, result_block
from backends.provider_numbers import TokenCount
from backends.types import FinishReason, Prompt, Role, Usage

VERSION = "2023-06-01"
# The API takes no higher one; ours goes to 2.
_MAX_TEMPERATURE = 1.0
_CUT = ("max_tokens", "model_context_window_exceeded")


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class MessageUsage(_Lenient):
    """Tokens so far. ``input_tokens`` are those that no cache was asked for or gave."""

    input_tokens: TokenCount | None = None
    cache_creation_input_tokens: TokenCount | None = None
    cache_read_input_tokens: TokenCount | None = None
    output_tokens: TokenCount | None = None

    def read(self, before: Usage) -> Usage:
        """What was read; ``before`` holds where the event does not say."""
        if self.input_tokens is None:
            return before
        cached = self.cache_read_input_tokens or 0
        count = self.input_tokens + (self.cache_creation_input_tokens or 0) + cached
        return Usage(count, 0, cached)


class Message(_Lenient):
    """The answer as it is when it begins: empty, but for what was read."""

    usage: MessageUsage | None = None


class ContentBlock(_Lenient):
    """A part of the answer as it begins; that of a call says what is called."""

    type: str | None = None
    id: str | None = None
    name: str | None = None


class EventDelta(_Lenient):
    """What is new: a piece of text, of thought or of a tool's input, or why the model stopped."""

    text: str | None = None
    thinking: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None


class EventError(_Lenient):
    """What went wrong after the response began; its message is not read, it may repeat the prompt."""

    type: str | None = None


class Event(_Lenient):
    """One event of the stream, of any type."""

    type: str
    index: Annotated[int, Field(ge=0)] | None = None
    content_block: ContentBlock | None = None
    message: Message | None = None
    delta: EventDelta | None = None
    usage: MessageUsage | None = None
    error: EventError | None = None


def request_body(model: str, prompt: Prompt, output_limit: int) -> dict[str, Any]:
    """Build the request for a streamed answer. System messages are joined, wherever they stand.

    The API knows no seed, penalties and ``min_p``.
    """
    sampling = prompt.sampling
    body: dict[str, Any] = {
        "model": model,
        "max_tokens": output_limit,
        "messages": list(_messages(prompt)),
        "stream": True,
        "temperature": min(sampling.temperature, _MAX_TEMPERATURE),
    }
    if system := "\n\n".join(m.content for m in prompt.messages if m.role is Role.SYSTEM):
        body["system"] = system
    # Newer models refuse both; where the temperature is 0, a nucleus makes no difference.
    if sampling.top_p < 1 and sampling.temperature > 0:
        body["top_p"] = sampling.top_p
    if sampling.top_k is not None:
        body["top_k"] = sampling.top_k
    # It refuses a stop sequence of white space alone, which is then cut here only.
    if stop := [string for string in sampling.stop if string.strip()]:
        body["stop_sequences"] = stop
    return body


def _messages(prompt: Prompt) -> Iterator[dict[str, Any]]:
    """The turns; what came of all calls of one turn stands together in a message of the user's."""
    spoken = [message for message in prompt.messages if message.role is not Role.SYSTEM]
    for together, group in groupby(spoken, is_result):
        if together:
            yield {"role": str(Role.USER), "content": [result_block(message) for message in group]}
        else:
            yield from ({"role": str(m.role), "content": _content(m)} for m in group)


def _content(message: types.Message) -> str | list[dict[str, Any]]:
    """The text alone, or pictures, the text, and calls in blocks."""
    if message.tool_calls:
        said = [{"type": "text", "text": message.content}] if message.content else []
        return [*said, *map(call_block, message.tool_calls)]
    if not message.images:
        return message.content
    pictures: list[dict[str, Any]] = [
        {
            "type": "image",
            "source": {"type": "base64", "media_type": image.media_type, "data": image.base64},
        }
        for image in message.images
    ]
    return [*pictures, {"type": "text", "text": message.content}]


def with_thinking(body: dict[str, Any], budget: int) -> dict[str, Any]:
    """Let the model think; the API then takes no temperature, and needs room for the answer.

    ``budget`` is left out where the limit of the answer has no room for the least that there may be.
    """
    budget = min(budget, body["max_tokens"] - 1)
    if budget < 1024:
        return body
    kept = {key: value for key, value in body.items() if key not in ("temperature", "top_k", "top_p")}
    return kept | {"thinking": {"type": "enabled", "budget_tokens": budget}}


def as_output(schema: dict[str, Any]) -> dict[str, Any]:
    """Ask for JSON under ``schema`` as the text of the answer."""
    return {"output_config": {"format": {"type": "json_schema", "schema": schema}}}


def finish_reason_of(name: str) -> FinishReason:
    """Translate the API's word; whatever is not a cut is an end."""
    return FinishReason.LENGTH if name in _CUT else FinishReason.STOP
