"""The OpenAI chat completions API as data: the request that a prompt becomes, and the chunks that come back.

Decides the form of both. Does no I/O. Written for the many servers that speak this dialect with
gaps and additions: unknown fields are skipped, missing ones have a meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from backends.types import FinishReason, Prompt, Sampling, TokenLogprob, Usage

DONE = "[DONE]"
# How a server is asked for a JSON Schema: as OpenAI has it, or as llama-cpp-python and some hosts do.
SchemaForm = Literal["json_schema", "json_object"]
# The API takes no more.
_MAX_STOP_COUNT = 4
# No request has more; a server that claims so would have it billed, and break what counts in 64 bits.
_MAX_TOKEN_COUNT = 10**9


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class TopLogprob(_Lenient):
    """One of the most probable tokens at a position."""

    token: str
    logprob: float


class ContentLogprob(TopLogprob):
    """A generated token and the most probable ones at its position."""

    top_logprobs: tuple[TopLogprob, ...] | None = ()

    def token_logprob(self) -> TokenLogprob:
        """Translate it; some servers round to just above 0. NaN stays NaN, which is not certainty."""
        others = [top.logprob for top in self.top_logprobs or () if top.token != self.token]
        runner_up = min(max(others), 0.0) if others else None
        listed = [(top.token, min(top.logprob, 0.0)) for top in self.top_logprobs or ()]
        return TokenLogprob(
            self.token,
            min(self.logprob, 0.0),
            runner_up,
            top=tuple(sorted(listed, key=lambda pair: -pair[1])),
        )


class Logprobs(_Lenient):
    """Log-probabilities of a piece's tokens."""

    content: tuple[ContentLogprob, ...] | None = ()

    def tokens(self) -> tuple[TokenLogprob, ...]:
        """Translate them."""
        return tuple(token.token_logprob() for token in self.content or ())


class ChoiceDelta(_Lenient):
    """A piece of an answer; servers name reasoning in either way."""

    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None


class Choice(_Lenient):
    """The one choice that is asked for."""

    delta: ChoiceDelta = ChoiceDelta()
    logprobs: Logprobs | None = None
    finish_reason: str | None = None


class ChunkUsage(_Lenient):
    """Tokens of the whole request, in the last chunk."""

    prompt_tokens: int = Field(default=0, ge=0, le=_MAX_TOKEN_COUNT)
    completion_tokens: int = Field(default=0, ge=0, le=_MAX_TOKEN_COUNT)

    def usage(self) -> Usage:
        """Translate it."""
        return Usage(self.prompt_tokens, self.completion_tokens)


class ChunkError(_Lenient):
    """What went wrong after the response began; its message is not read, it may repeat the prompt."""

    code: str | int | None = None


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
        "messages": [{"role": str(m.role), "content": m.content} for m in prompt.messages],
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
    return body


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
