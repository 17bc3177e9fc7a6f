"""The messages API: what is sent, and how its events are read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from backends.answer_text import AnswerText
from backends.anthropic_messages import AnthropicMessagesBackend
from backends.anthropic_messages_answer import MessageAnswer
from backends.anthropic_messages_options import AnthropicMessagesOptions
from backends.errors import BackendError, ContextTooLong, Overloaded, Refused, Unavailable
from backends.types import (
    Completion,
    Delta,
    FinishReason,
    JsonSchemaFormat,
    Message,
    Prompt,
    ResponseFormat,
    Role,
    Sampling,
    Usage,
)
from tests.backends.dialects import PROMPT, connected, read, sends, text_of
from tests.messages_server import end, event, start, text, thought

NAME = "anthropic_messages"
OBJECT = JsonSchemaFormat({"type": "object", "properties": {"a": {"type": "integer"}}})


def body(prompt: Prompt = PROMPT, form: ResponseFormat | None = None, **options: Any) -> dict[str, Any]:
    """The request that ``prompt`` becomes."""
    settings = AnthropicMessagesOptions.model_validate({"base_url": "http://h/v1", "model": "m", **options})
    asked = Prompt(prompt.messages, prompt.sampling, form)
    return AnthropicMessagesBackend(settings).body(asked)


def test_system_messages_stand_apart() -> None:
    """The API takes instructions in a field of their own, and only turns as messages."""
    turns = (Message(Role.SYSTEM, "be"), Message(Role.USER, "hi"), Message(Role.SYSTEM, "brief"))
    sent = body(Prompt(turns))
    assert sent["system"] == "be\n\nbrief"
    assert sent["messages"] == [{"role": "user", "content": "hi"}]


def test_asks_in_the_words_of_the_api() -> None:
    """Limits, sampling and stop sequences reach the server; white space alone is no stop sequence there."""
    sampling = Sampling(1.5, 0.9, 7, ("a", "\n\n"), 3, top_k=5)
    sent = body(Prompt(PROMPT.messages, sampling))
    assert (sent["max_tokens"], sent["temperature"], sent["top_p"], sent["top_k"]) == (7, 1.0, 0.9, 5)
    assert sent["stop_sequences"] == ["a"]
    assert "seed" not in sent


def test_a_nucleus_is_left_out_where_it_makes_no_difference() -> None:
    """Newer models refuse temperature and top_p together, and the greedy choice needs one only."""
    assert "top_p" not in body(Prompt(PROMPT.messages, Sampling(0.0, 0.9)))


def test_a_schema_of_an_object_is_a_tool_that_must_be_used() -> None:
    """A tool's input takes any schema, on every model."""
    sent = body(form=OBJECT)
    assert sent["tools"][0]["input_schema"] == OBJECT.schema
    assert sent["tool_choice"] == {"type": "tool", "name": sent["tools"][0]["name"]}


@pytest.mark.parametrize(
    ("form", "options"),
    [(JsonSchemaFormat({"type": "array"}), {}), (OBJECT, {"json_schema": "output_config"})],
)
def test_other_schemas_are_asked_for_as_output(form: JsonSchemaFormat, options: dict[str, Any]) -> None:
    """What is no object cannot be a tool's input."""
    sent = body(form=form, **options)
    assert sent["output_config"]["format"] == {"type": "json_schema", "schema": form.schema}
    assert "tools" not in sent


def test_thinking_takes_no_temperature_and_leaves_room() -> None:
    """The API refuses sampling settings while a model thinks, and a budget without room for the answer."""
    sent = body(thinking_token_count=4096, max_output_token_count=2000)
    assert sent["thinking"] == {"type": "enabled", "budget_tokens": 1999}
    assert "temperature" not in sent
    assert "thinking" not in body(thinking_token_count=4096, max_output_token_count=1000)


async def test_counts_what_caches_gave() -> None:
    """Input is all that was read: fresh, written to the cache, and read from it; the last is told apart."""
    counts = {"input_tokens": 5, "cache_creation_input_tokens": 20, "cache_read_input_tokens": 100}
    async with connected(NAME, sends(start(**counts), text("x"), end(output_tokens=7))) as backend:
        completion = (await read(backend))[-1]
    assert isinstance(completion, Completion)
    assert completion.usage == Usage(125, 7, 100)


async def test_tells_thoughts_from_the_answer() -> None:
    """Thinking is reasoning; signatures and blocks of kinds that are not known are neither."""
    signature = event("content_block_delta", index=0, delta={"type": "signature_delta", "signature": "s"})
    news = event("some_news", about="nothing")
    pieces = (start(), thought("hm"), signature, news, text("yes"), end())
    async with connected(NAME, sends(*pieces)) as backend:
        items = await read(backend)
    assert "".join(item.reasoning for item in items if isinstance(item, Delta)) == "hm"
    assert text_of(items) == "yes"


async def test_reads_a_tools_input_as_the_answer() -> None:
    """The pieces of the input are the JSON that was asked for; text beside it is not."""
    parts = ['{"a"', ": 1}"]
    deltas = [{"type": "input_json_delta", "partial_json": part} for part in parts]
    pieces = [event("content_block_delta", index=1, delta=delta) for delta in deltas]
    async with connected(NAME, sends(start(), text("Sure!"), *pieces, end("tool_use"))) as backend:
        assert text_of(await read(backend, Prompt(PROMPT.messages, response_format=OBJECT))) == '{"a": 1}'


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("end_turn", FinishReason.STOP),
        ("stop_sequence", FinishReason.STOP),
        ("max_tokens", FinishReason.LENGTH),
        ("model_context_window_exceeded", FinishReason.LENGTH),
    ],
)
async def test_says_why_it_ended(reason: str, expected: FinishReason) -> None:
    """Cuts are told from ends."""
    async with connected(NAME, sends(start(), text("x"), end(reason))) as backend:
        completion = (await read(backend))[-1]
    assert isinstance(completion, Completion)
    assert completion.finish_reason is expected


async def test_a_refusal_is_billed() -> None:
    """A model that declines raises Refused with what that cost."""
    async with connected(NAME, sends(start(), text("I"), end("refusal", 9))) as backend:
        with pytest.raises(Refused, match="declines") as caught:
            await read(backend)
    assert caught.value.usage == Usage(5, 9)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("overloaded_error", Overloaded),
        ("rate_limit_error", Overloaded),
        ("api_error", Unavailable),
        ("invalid_request_error", Refused),
        ("request_too_large", ContextTooLong),
    ],
)
async def test_an_error_in_the_stream_has_its_type(kind: str, error: type[BackendError]) -> None:
    """An answer that breaks off says why by a word, which makes the error; what was read is billed."""
    failure = event("error", error={"type": kind, "message": "a secret prompt"})
    async with connected(NAME, sends(start(), text("half"), failure)) as backend:
        with pytest.raises(error, match=kind) as caught:
            await read(backend)
    assert type(caught.value) is error
    assert (caught.value.usage.input_token_count, caught.value.usage.output_token_count) == (5, 1)


FIELDS = ("type", "usage", "text", "thinking", "partial_json", "stop_reason", "output_tokens", "input_tokens")
PARTS = ("message", "delta", "usage", "error")
KINDS = ("message_start", "content_block_delta", "message_delta", "message_stop", "error", "ping", "x")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                ["type", "usage", "text", "thinking", "partial_json", "stop_reason", "output_tokens"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"type": st.sampled_from(KINDS)},
            optional=dict.fromkeys(("message", "delta", "usage", "error"), VALUES),
        ),
        max_size=6,
    )
)
def test_any_events_are_read_or_refused(events: list[dict[str, Any]]) -> None:
    """Whatever JSON comes, reading it gives a delta or one of two errors, and a believable account."""
    answer = MessageAnswer(AnswerText(("stop",)), estimated_input_token_count=1, answer_tool=None)
    answer.begin()
    try:
        for each in events:
            answer.add(json.dumps(each))
    except (ValidationError, BackendError):
        pass
    assert 0 <= answer.usage.cached_input_token_count <= answer.usage.input_token_count <= 3 * 10**9
    assert 0 <= answer.usage.output_token_count <= 10**9
