"""The responses API: what is sent, and how its events are read."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from backends.answer_text import AnswerText
from backends.errors import BackendError, ContextTooLong, Overloaded, Refused, Unavailable
from backends.openai_responses import OpenAIResponsesBackend
from backends.openai_responses_answer import ResponseAnswer
from backends.openai_responses_options import OpenAIResponsesOptions
from backends.types import (
    Completion,
    Delta,
    FinishReason,
    JsonSchemaFormat,
    Message,
    Prompt,
    Role,
    Sampling,
    Usage,
)
from tests.backends.dialects import PROMPT, connected, read, sends, text_of
from tests.chat_server import respond
from tests.responses_server import end, event, model, text

NAME = "openai_responses"


def body(prompt: Prompt = PROMPT, **options: Any) -> dict[str, Any]:
    """The request that ``prompt`` becomes."""
    settings = {"base_url": "http://h/v1", "model": "m", "logprobs": False, **options}
    return OpenAIResponsesBackend(OpenAIResponsesOptions.model_validate(settings)).body(prompt)


def test_asks_in_the_words_of_the_api() -> None:
    """Turns, limit and sampling reach the server, which is asked to keep nothing."""
    turns = (Message(Role.SYSTEM, "be"), Message(Role.USER, "hi"))
    sent = body(Prompt(turns, Sampling(0.5, 0.9, 70, ("stop",), 3)))
    assert sent["input"] == [{"role": "system", "content": "be"}, {"role": "user", "content": "hi"}]
    assert (sent["max_output_tokens"], sent["temperature"], sent["top_p"]) == (70, 0.5, 0.9)
    assert (sent["store"], sent["stream"]) == (False, True)
    assert not {"stop", "seed", "include"} & sent.keys()


def test_a_limit_below_the_least_is_raised_to_it() -> None:
    """The API refuses fewer than 16 tokens."""
    assert body(Prompt(PROMPT.messages, Sampling(max_output_token_count=3)))["max_output_tokens"] == 16


def test_asks_for_a_schema_and_for_logprobs() -> None:
    """The schema is no strict one, which would have to be written for it."""
    prompt = Prompt(PROMPT.messages, Sampling(top_logprob_count=5), JsonSchemaFormat({"type": "object"}))
    sent = body(prompt, logprobs=True)
    assert sent["text"]["format"]["schema"] == {"type": "object"}
    assert sent["text"]["format"]["strict"] is False
    assert (sent["include"], sent["top_logprobs"]) == (["message.output_text.logprobs"], 5)
    assert "text" not in body(prompt, json_schema=False)


async def test_tells_reasoning_from_the_answer() -> None:
    """Summaries and open thoughts are reasoning; events of kinds that are not known are skipped."""
    news = event("response.some_news", delta={"not": "text"})
    pieces = (
        event("response.reasoning_summary_text.delta", delta="hm "),
        event("response.reasoning_text.delta", delta="so"),
        news,
        text("yes"),
        end(),
    )
    async with connected(NAME, sends(*pieces)) as backend:
        items = await read(backend)
    assert "".join(item.reasoning for item in items if isinstance(item, Delta)) == "hm so"
    assert text_of(items) == "yes"


async def test_counts_what_the_cache_gave() -> None:
    """Cached tokens are among those read."""
    usage = {"input_tokens": 90, "output_tokens": 3, "input_tokens_details": {"cached_tokens": 64}}
    async with connected(NAME, sends(text("x"), end(usage=usage))) as backend:
        completion = (await read(backend))[-1]
    assert isinstance(completion, Completion)
    assert completion.usage == Usage(90, 3, 64)


async def test_a_cut_is_told_from_an_end() -> None:
    """An incomplete response was cut by its limit."""
    cut = end("incomplete", incomplete_details={"reason": "max_output_tokens"})
    async with connected(NAME, sends(text("x"), cut)) as backend:
        completion = (await read(backend))[-1]
    assert isinstance(completion, Completion)
    assert completion.finish_reason is FinishReason.LENGTH


async def test_cuts_at_a_stop_string() -> None:
    """The API knows none, so that the text is cut here and the connection left."""
    async with connected(NAME, sends(text("one ST"), text("OP two"), end())) as backend:
        items = await read(backend, Prompt(PROMPT.messages, Sampling(stop=("STOP",))))
    assert text_of(items) == "one "


@pytest.mark.parametrize(
    "pieces",
    [
        (event("response.refusal.delta", delta="I must not"), end(output_tokens=4)),
        (text("I"), end("incomplete", output_tokens=4, incomplete_details={"reason": "content_filter"})),
    ],
)
async def test_a_refusal_is_typed_and_billed(pieces: tuple[bytes, ...]) -> None:
    """A model that declines and a filter that stops it both raise Refused with what that cost."""
    async with connected(NAME, sends(*pieces)) as backend:
        with pytest.raises(Refused) as caught:
            await read(backend)
    assert caught.value.usage == Usage(5, 4)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("rate_limit_exceeded", Overloaded),
        ("server_error", Unavailable),
        ("invalid_prompt", Refused),
        ("context_length_exceeded", ContextTooLong),
        ("a secret prompt", Unavailable),
    ],
)
@pytest.mark.parametrize("form", ["failed", "error"])
async def test_a_failure_has_its_type(code: str, error: type[BackendError], form: str) -> None:
    """The code makes the error, in either form; the server's words are left out."""
    said = {"code": code, "message": "a secret prompt"}
    failure = end("failed", error=said) if form == "failed" else event("error", **said)
    async with connected(NAME, sends(text("half"), failure)) as backend:
        with pytest.raises(error) as caught:
            await read(backend)
    assert type(caught.value) is error
    assert "secret" not in str(caught.value)
    assert caught.value.usage.output_token_count == 1


@pytest.mark.parametrize("gives", [True, False])
async def test_finds_out_about_logprobs(gives: bool) -> None:
    """Auto asks for one token: what really comes decides, and a refusal means none."""

    async def choosy(asked: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        if "include" in asked and not gives:
            return respond(writer, "400 Bad Request", {"error": {"code": "unsupported_parameter"}})
        return await model(asked, writer)

    async with connected(NAME, choosy, logprobs="auto") as backend:
        assert backend.capabilities.logprobs is gives


async def test_the_events_at_the_end_may_repeat_the_answer() -> None:
    """The last event holds the whole answer with its log-probabilities, however long that is."""
    whole = [{"content": [{"text": "x" * (2 << 20)}]}]
    async with connected(NAME, sends(text("x"), end(output=whole))) as backend:
        assert text_of(await read(backend)) == "x"


FIELDS = ("type", "usage", "delta", "logprobs", "code", "reason", "input_tokens", "output_tokens", "token")
KINDS = (
    "response.output_text.delta",
    "response.refusal.delta",
    "response.reasoning_text.delta",
    "response.completed",
    "response.incomplete",
    "response.failed",
    "error",
    "x",
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=3),
    max_leaves=6,
)
PARTS = ("response", "delta", "logprobs", "error", "code")
EVENTS = st.fixed_dictionaries({"type": st.sampled_from(KINDS)}, optional=dict.fromkeys(PARTS, VALUES))


@given(st.lists(EVENTS, max_size=6))
def test_any_events_are_read_or_refused(events: list[dict[str, Any]]) -> None:
    """Whatever JSON comes, reading it gives a delta or one of two errors, and a believable account."""
    answer = ResponseAnswer(AnswerText(("stop",)), estimated_input_token_count=1)
    answer.begin()
    try:
        for each in events:
            for token in answer.add(json.dumps(each)).tokens:
                assert not token.logprob > 0
    except (ValidationError, BackendError):
        pass
    assert 0 <= answer.usage.cached_input_token_count <= answer.usage.input_token_count <= 10**9
    assert 0 <= answer.usage.output_token_count <= 10**9
