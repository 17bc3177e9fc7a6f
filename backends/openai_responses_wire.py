"""The OpenAI responses API as data: the request that a prompt becomes, and the events that come back.

Decides the form of both. Does no I/O. Unknown events and fields are skipped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from backends.provider_numbers import ContentLogprob, TokenCount
from backends.tools import Toolbox
from backends.types import Message, Prompt, Usage


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class InputDetails(_Lenient):
    """How the input tokens divide, as far as it matters for the price."""

    cached_tokens: TokenCount | None = None


class ResponseUsage(_Lenient):
    """Tokens of the whole request; output counts reasoning too."""

    input_tokens: TokenCount = 0
    output_tokens: TokenCount = 0
    input_tokens_details: InputDetails | None = None

    def usage(self) -> Usage:
        """Translate it; no more can come from a cache than was read."""
        details = self.input_tokens_details
        cached = (details.cached_tokens if details else None) or 0
        return Usage(self.input_tokens, self.output_tokens, min(cached, self.input_tokens))


class Incomplete(_Lenient):
    """Why an answer was cut."""

    reason: str | None = None


class Failure(_Lenient):
    """What went wrong; its message is not read, it may repeat the prompt."""

    code: str | int | None = None
    type: str | None = None


class Response(_Lenient):
    """The whole answer, of which only the account is read: its text came before, in pieces."""

    usage: ResponseUsage | None = None
    incomplete_details: Incomplete | None = None
    error: Failure | None = None


class TextDelta(_Lenient):
    """A piece of the answer, of the reasoning or of a refusal."""

    delta: str
    logprobs: tuple[ContentLogprob, ...] | None = None


class Item(_Lenient):
    """A part of the answer as it begins; those that are no calls are known by their pieces."""

    type: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None


class ItemEvent(_Lenient):
    """A part of the answer begins."""

    output_index: Annotated[int, Field(ge=0)]
    item: Item


class ArgumentsDelta(_Lenient):
    """A piece of a call's arguments, or all of them once more when they are done."""

    output_index: Annotated[int, Field(ge=0)]
    delta: str | None = None
    arguments: str | None = None


class Event(_Lenient):
    """One event of the stream, of any type; ``code`` stands in those of type ``error``."""

    type: str
    response: Response | None = None
    error: Failure | None = None
    code: str | int | None = None


def request_body(model: str, prompt: Prompt, output_limit: int) -> dict[str, Any]:
    """Build the request for a streamed answer that the server does not keep.

    The API knows no stop strings, seed, penalties, ``top_k`` and ``min_p``; stop strings are cut here.
    """
    sampling = prompt.sampling
    body = {
        "model": model,
        "input": [item for message in prompt.messages for item in _items(message)],
        "max_output_tokens": output_limit,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "stream": True,
        "store": False,
    }
    return body if prompt.tools is None else body | _tools(prompt.tools)


def _tools(box: Toolbox) -> dict[str, Any]:
    """Offer tools. Where nobody says how strictly, the API would refuse schemas not written for it."""
    tools = [
        {
            "type": "function",
            "name": tool.name,
            "description": tool.description,
            "parameters": dict(tool.parameters) or {"type": "object", "properties": {}},
            "strict": bool(tool.strict),
        }
        for tool in box.tools
    ]
    said: dict[str, Any] = {"tools": tools, "tool_choice": box.choice.mode.value}
    if box.choice.name is not None:
        said["tool_choice"] = {"type": "function", "name": box.choice.name}
    if box.parallel_calls is not None:
        said["parallel_tool_calls"] = box.parallel_calls
    return said


def _items(message: Message) -> Iterator[dict[str, Any]]:
    """A turn: what was said, and each call, and what came of one, as items of their own.

    The API has no word for a tool that failed, of which its text tells.
    """
    if message.tool_call_id is not None:
        yield {"type": "function_call_output", "call_id": message.tool_call_id, "output": message.content}
        return
    if message.content or not message.tool_calls:
        yield {"role": str(message.role), "content": _content(message)}
    for call in message.tool_calls:
        said = {"call_id": call.id, "name": call.name, "arguments": call.arguments}
        yield {"type": "function_call"} | said


def _content(message: Message) -> str | list[dict[str, Any]]:
    """The text alone, or pictures and then the text in parts."""
    if not message.images:
        return message.content
    pictures = [{"type": "input_image", "image_url": image.data_url} for image in message.images]
    return [*pictures, {"type": "input_text", "text": message.content}]


def text_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Ask for JSON under ``schema``; ``strict`` would refuse every schema that is not written for it."""
    form = {"type": "json_schema", "name": "answer", "schema": dict(schema), "strict": False}
    return {"text": {"format": form}}


def with_logprobs(top_count: int) -> dict[str, Any]:
    """Ask for log-probabilities, with ``top_count`` of the most probable tokens."""
    return {"include": ["message.output_text.logprobs"], "top_logprobs": top_count}
