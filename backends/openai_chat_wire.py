"""The OpenAI chat completions API as data: the request that a prompt becomes, and the chunks that come back.

Decides the form of both. Does no I/O. Written for the many servers that speak this dialect with
gaps and additions: unknown fields are skipped, missing ones have a meaning.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import chain, repeat
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from backends.provider_numbers import ContentLogprob, TokenCount, TopLogprob
from backends.tools import Tool, Toolbox, ToolMode
from backends.types import FinishReason, Message, Prompt, Sampling, TokenLogprob, Usage

DONE = "[DONE]"
# How a server is asked for a JSON Schema: as OpenAI has it, or as llama-cpp-python and some hosts do.
SchemaForm = Literal["json_schema", "json_object"]
# The API takes no more.
_MAX_STOP_COUNT = 4


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class Logprobs(_Lenient):
    """Log-probabilities of a piece's tokens.

    Some servers give them as the older completions API did: texts, numbers and the most probable tokens
    in lists of their own.
    """

    content: tuple[ContentLogprob, ...] | None = None
    tokens_: tuple[str, ...] | None = Field(default=None, alias="tokens")
    token_logprobs: tuple[float | None, ...] | None = None
    top_logprobs: tuple[dict[str, float] | None, ...] | None = None

    def tokens(self, top_count: int = 0) -> tuple[TokenLogprob, ...]:
        """Translate them; ``top_count`` of the most probable tokens are kept at every position."""
        content = self.content if self.content is not None else tuple(self._older())
        return tuple(token.token_logprob(top_count) for token in content)

    def _older(self) -> Iterator[ContentLogprob]:
        pairs = zip(self.tokens_ or (), self.token_logprobs or (), strict=False)
        for (text, number), top in zip(pairs, chain(self.top_logprobs or (), repeat(None)), strict=False):
            others = tuple(TopLogprob(token=other, logprob=p) for other, p in (top or {}).items())
            logprob = math.nan if number is None else number
            yield ContentLogprob(token=text, logprob=logprob, top_logprobs=others)


class CalledFunction(_Lenient):
    """What is called, or a piece of its arguments."""

    name: str | None = None
    arguments: str | None = None


class CallDelta(_Lenient):
    """A piece of a call; some servers leave out which call it belongs to, or what it is called."""

    index: Annotated[int, Field(ge=0)] | None = None
    id: str | None = None
    function: CalledFunction = CalledFunction()


class ChoiceDelta(_Lenient):
    """A piece of an answer; servers name reasoning in either way."""

    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: tuple[CallDelta, ...] | None = None


class Choice(_Lenient):
    """The one choice that is asked for."""

    delta: ChoiceDelta = ChoiceDelta()
    logprobs: Logprobs | None = None
    finish_reason: str | None = None


class CachedTokens(_Lenient):
    """How the input tokens divide, as far as it matters for the price."""

    cached_tokens: TokenCount | None = None


class ChunkUsage(_Lenient):
    """Tokens of the whole request, in the last chunk; servers name those from a cache in either way."""

    prompt_tokens: TokenCount = 0
    completion_tokens: TokenCount = 0
    prompt_tokens_details: CachedTokens | None = None
    prompt_cache_hit_tokens: TokenCount | None = None

    def usage(self) -> Usage:
        """Translate it; no more can come from a cache than was read."""
        details = self.prompt_tokens_details
        cached = (details.cached_tokens if details else None) or self.prompt_cache_hit_tokens or 0
        return Usage(self.prompt_tokens, self.completion_tokens, min(cached, self.prompt_tokens))


class ChunkError(_Lenient):
    """What went wrong after the response began; its message is not read, it may repeat the prompt."""

    code: str | int | None = None
    type: str | None = None


class Chunk(_Lenient):
    """One event of the stream."""

    choices: tuple[Choice, ...] = ()
    usage: ChunkUsage | None = None
    error: ChunkError | None = None


def request_body(model: str, prompt: Prompt) -> dict[str, Any]:
    """Build the request for a streamed answer, as far as every server speaks alike."""
    sampling = prompt.sampling
    body: dict[str, Any] = {
        "model": model,
        "messages": [_message(message) for message in prompt.messages],
        "stream": True,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
    }
    # The last three are no part of OpenAI's API, but of vLLM's and SGLang's.
    plain = Sampling()
    for name in ("presence_penalty", "frequency_penalty", "top_k", "min_p", "repetition_penalty"):
        if (value := getattr(sampling, name)) != getattr(plain, name):
            body[name] = value
    if sampling.seed is not None:
        body["seed"] = sampling.seed
    if sampling.stop:
        body["stop"] = list(sampling.stop[:_MAX_STOP_COUNT])
    return body if prompt.tools is None else body | _tools(prompt.tools)


def _tools(box: Toolbox) -> dict[str, Any]:
    """Offer tools; what is left open stays so, for servers that know the choice by no word of it."""
    said: dict[str, Any] = {
        "tools": [{"type": "function", "function": _function(tool)} for tool in box.tools]
    }
    if box.choice.name is not None:
        said["tool_choice"] = {"type": "function", "function": {"name": box.choice.name}}
    elif box.choice.mode is not ToolMode.AUTO:
        said["tool_choice"] = box.choice.mode.value
    if box.parallel_calls is not None:
        said["parallel_tool_calls"] = box.parallel_calls
    return said


def _function(tool: Tool) -> dict[str, Any]:
    said: dict[str, Any] = {"name": tool.name}
    if tool.description:
        said["description"] = tool.description
    if tool.parameters:
        said["parameters"] = dict(tool.parameters)
    return said if tool.strict is None else said | {"strict": tool.strict}


def _message(message: Message) -> dict[str, Any]:
    """A turn; the API has no word for a tool that failed, of which its text tells."""
    said: dict[str, Any] = {"role": str(message.role), "content": _content(message)}
    if message.tool_call_id is not None:
        said["tool_call_id"] = message.tool_call_id
    if message.tool_calls:
        said["content"] = said["content"] or None
        said["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    return said


def _content(message: Message) -> str | list[dict[str, Any]]:
    """The text alone, or pictures and then the text in parts."""
    if not message.images:
        return message.content
    pictures = [{"type": "image_url", "image_url": {"url": image.data_url}} for image in message.images]
    return [*pictures, {"type": "text", "text": message.content}]


def response_format(schema: Mapping[str, Any], form: SchemaForm) -> dict[str, Any]:
    """Ask for JSON under ``schema``.

    OpenAI's ``strict`` is left out: it refuses every schema that is not written for it.
    """
    if form == "json_object":
        return {"type": "json_object", "schema": dict(schema)}
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": dict(schema)}}


def finish_reason_of(name: str) -> FinishReason:
    """Translate the API's word; whatever is not a cut is an end."""
    return FinishReason.LENGTH if name == "length" else FinishReason.STOP
