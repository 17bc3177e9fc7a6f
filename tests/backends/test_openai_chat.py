"""The HTTP backend against real servers that stall, break off, lie or refuse."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from backends.answer_text import AnswerText
from backends.errors import BackendError, ContextTooLong, Overloaded, Refused, TimedOut, Unavailable
from backends.openai_chat import OpenAIChatBackend
from backends.openai_chat_answer import ChatAnswer
from backends.openai_chat_options import OpenAIChatOptions
from backends.provider_numbers import ContentLogprob
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
from tests.chat_server import STREAM_HEAD, Script, event, model, respond, serve, usage

PROMPT = Prompt((Message(Role.USER, "a secret prompt"),))


@asynccontextmanager
async def connected(script: Script, **options: Any) -> AsyncIterator[OpenAIChatBackend]:
    """A started backend on a server that runs ``script``."""
    async with serve(script) as url:
        settings = {"start_check": False, "logprobs": False, "read_timeout_s": 0.2} | options
        backend = OpenAIChatBackend(OpenAIChatOptions(base_url=url, model="m", **settings))
        try:
            await backend.start()
            yield backend
        finally:
            await backend.close()


async def read(backend: OpenAIChatBackend, prompt: Prompt = PROMPT) -> list[Delta | Completion]:
    """All that comes."""
    return [item async for item in backend.stream(prompt, timeout_s=5)]


def sends(*pieces: bytes) -> Script:
    """A server that sends ``pieces`` and closes."""

    async def script(_: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        writer.write(b"".join((STREAM_HEAD, *pieces)))

    return script


async def resets_at_once(_: dict[str, Any], writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def resets_in_the_middle(_: dict[str, Any], writer: asyncio.StreamWriter) -> None:
    writer.write(STREAM_HEAD + event("half "))
    await writer.drain()
    writer.transport.abort()


async def stalls(_: dict[str, Any], writer: asyncio.StreamWriter) -> None:
    writer.write(STREAM_HEAD + event("half "))
    await writer.drain()
    await asyncio.sleep(60)


@pytest.mark.parametrize(
    "script",
    [
        resets_at_once,
        resets_in_the_middle,
        stalls,
        sends(event("half ")),
        sends(b"data: {not json\n\n"),
        sends(b'data: {"choices": 3}\n\n'),
        sends(event("half "), b'data: {"error": {"code": 500, "message": "a secret prompt"}}\n\n'),
    ],
    ids=["reset_first", "reset_later", "stall", "truncated", "not_json", "not_a_chunk", "error_chunk"],
)
async def test_a_broken_server_is_unavailable(script: Script) -> None:
    """Whatever breaks the answer off raises Unavailable, without the prompt's or the server's words."""
    async with connected(script) as backend:
        with pytest.raises(Unavailable) as caught:
            await read(backend)
    assert "secret" not in str(caught.value)


async def test_bills_what_a_broken_server_gave() -> None:
    """The error of an answer that broke off carries its usage."""
    async with connected(resets_in_the_middle) as backend:
        with pytest.raises(Unavailable) as caught:
            await read(backend)
    assert caught.value.usage.output_token_count > 0


async def test_nothing_is_billed_where_nothing_was_accepted() -> None:
    """A refused request has no usage."""

    async def refuses(_: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        respond(writer, "401 Unauthorized", {"error": {"message": "a secret prompt", "code": "bad_key"}})

    async with connected(refuses) as backend:
        with pytest.raises(Refused, match=r"401 \(bad_key") as caught:
            await read(backend)
    assert caught.value.usage == Usage()


async def test_a_full_server_says_when() -> None:
    """429 raises Overloaded with the wait that it names."""

    async def full(_: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        respond(writer, "429 Too Many Requests", {}, "retry-after: 3")

    async with connected(full) as backend:
        with pytest.raises(Overloaded) as caught:
            await read(backend)
    assert caught.value.retry_after_s == 3.0


async def test_an_end_without_done_is_an_end() -> None:
    """A server that gives a finish reason but no [DONE] has answered."""
    async with connected(sends(event("all"), event(finish="length"))) as backend:
        *_, completion = await read(backend)
    assert isinstance(completion, Completion)
    assert completion.finish_reason is FinishReason.LENGTH


async def test_done_without_a_reason_is_an_end() -> None:
    """A server that gives [DONE] but no finish reason has answered, held-back text included."""
    async with connected(sends(event("all S"), b"data: [DONE]\n\n")) as backend:
        items = await read(backend, Prompt(PROMPT.messages, Sampling(stop=("STOP",))))
    assert "".join(item.text for item in items if isinstance(item, Delta)) == "all S"
    assert isinstance(items[-1], Completion)


async def test_cuts_stop_strings_that_the_server_ignores() -> None:
    """A stop string never leaks, and the connection is left there."""
    async with connected(sends(event("one ST"), event("OP two"), event(finish="stop"))) as backend:
        items = await read(backend, Prompt(PROMPT.messages, Sampling(stop=("STOP",))))
    assert "".join(item.text for item in items if isinstance(item, Delta)) == "one "


async def test_tells_reasoning_in_either_form() -> None:
    """Reasoning comes in a field of its own or between tags."""
    thought = b'data: {"choices": [{"delta": {"reasoning_content": "hm "}}]}\n\n'
    pieces = (thought, event("<think>so</th"), event("ink> yes"), event(finish="stop"))
    async with connected(sends(*pieces), reasoning_tags=("<think>", "</think>")) as backend:
        deltas = [item for item in await read(backend) if isinstance(item, Delta)]
    assert "".join(delta.reasoning for delta in deltas) == "hm so"
    assert "".join(delta.text for delta in deltas) == "yes"


async def test_a_content_filter_is_a_refusal() -> None:
    """An answer that the server's filter stops raises Refused."""
    async with connected(sends(event("no"), event(finish="content_filter"))) as backend:
        with pytest.raises(Refused):
            await read(backend)


async def test_a_model_that_declines_is_a_refusal() -> None:
    """Words of refusal are no answer; what they cost is billed as the server counts it."""
    words = b'data: {"choices": [{"delta": {"refusal": "I must not"}}]}\n\n'
    async with connected(sends(words, event(finish="stop"), usage(9, 3), b"data: [DONE]\n\n")) as backend:
        with pytest.raises(Refused, match="declines") as caught:
            await read(backend)
    assert caught.value.usage == Usage(9, 3)


@pytest.mark.parametrize(
    "account",
    [
        {"prompt_tokens": 90, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 64}},
        {"prompt_tokens": 90, "completion_tokens": 3, "prompt_cache_hit_tokens": 64},
    ],
)
async def test_tells_what_a_cache_gave(account: dict[str, Any]) -> None:
    """Servers name cached tokens in two ways."""
    chunk = f"data: {json.dumps({'choices': [], 'usage': account})}\n\n".encode()
    async with connected(sends(event("x"), event(finish="stop"), chunk)) as backend:
        completion = (await read(backend))[-1]
    assert isinstance(completion, Completion)
    assert completion.usage == Usage(90, 3, 64)


async def test_an_account_of_nothing_is_none() -> None:
    """Some servers send zeros until they have counted; the estimate holds until then."""
    async with connected(sends(event("four"), usage(0, 0), event(finish="stop"))) as backend:
        completion = (await read(backend))[-1]
    assert isinstance(completion, Completion)
    assert completion.usage.output_token_count == 1


async def test_reads_the_older_form_of_logprobs() -> None:
    """Texts, numbers and the most probable tokens may come in lists of their own."""
    older = {"tokens": ["a", "b"], "token_logprobs": [-0.5, None], "top_logprobs": [{"a": -0.5, "c": -1.5}]}
    async with connected(sends(event("ab", logprobs=older), event(finish="stop"))) as backend:
        delta = (await read(backend))[0]
    assert isinstance(delta, Delta)
    first, second = delta.tokens
    assert (first.text, first.logprob, first.runner_up_logprob) == ("a", -0.5, -1.5)
    assert second.text == "b"
    assert math.isnan(second.logprob)


async def test_gives_as_many_top_logprobs_as_were_asked_for() -> None:
    """The most probable tokens come best first."""
    top = [{"token": "a", "logprob": -0.5}, {"token": "b", "logprob": -0.1}, {"token": "c", "logprob": -9}]
    chunk = event("a", logprobs={"content": [top[0] | {"top_logprobs": top}]})
    async with connected(sends(chunk, event(finish="stop"))) as backend:
        delta = (await read(backend, Prompt(PROMPT.messages, Sampling(top_logprob_count=2))))[0]
    assert isinstance(delta, Delta)
    assert delta.tokens[0].top == (("b", -0.1), ("a", -0.5))


async def test_reports_logprobs_and_runner_up() -> None:
    """The best other token of top_logprobs is the runner-up; values above 0 count as 0."""
    top = [{"token": "a", "logprob": 0.001}, {"token": "b", "logprob": -2.5}]
    chunk = event("a", logprobs={"content": [top[0] | {"top_logprobs": top}]})
    async with connected(sends(chunk, event(finish="stop"))) as backend:
        delta = (await read(backend))[0]
    assert isinstance(delta, Delta)
    assert (delta.tokens[0].logprob, delta.tokens[0].runner_up_logprob) == (0.0, -2.5)


async def test_closing_the_stream_closes_the_connection() -> None:
    """The server sees the end of the connection while it still computes."""
    dropped = asyncio.Event()

    async def endless(_: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM_HEAD)
        try:
            while True:
                writer.write(event("more "))
                await writer.drain()
                await asyncio.sleep(0.001)
        finally:
            dropped.set()

    async with connected(endless) as backend:
        stream = backend.stream(PROMPT)
        await anext(stream)
        await stream.aclose()
        async with asyncio.timeout(10.0):
            await dropped.wait()


async def test_closing_the_backend_ends_its_streams() -> None:
    """A stream that waits while the backend closes raises Unavailable."""
    async with connected(stalls, read_timeout_s=30.0) as backend:
        stream = backend.stream(PROMPT)
        await anext(stream)
        reader = asyncio.create_task(anext(stream))
        await asyncio.sleep(0)
        await backend.close()
        with pytest.raises(Unavailable):
            await reader


async def test_a_deadline_beats_a_stalling_server() -> None:
    """The request's own time counts, not the stall limit."""
    async with connected(stalls, read_timeout_s=30.0) as backend:
        with pytest.raises(TimedOut) as caught:
            async for _ in backend.stream(PROMPT, timeout_s=0.05):
                pass
    assert caught.value.usage.output_token_count > 0


async def test_a_server_that_is_down_can_be_started_later() -> None:
    """Start raises Unavailable, and works once the server is up."""
    async with serve(model) as url:
        pass
    backend = OpenAIChatBackend(OpenAIChatOptions(base_url=url, model="m"))
    with pytest.raises(Unavailable, match="cannot be reached"):
        await backend.start()
    await backend.close()


async def test_a_bad_key_is_found_at_start() -> None:
    """The check at start tells a wrong key from a server that is down, and never shows the key."""

    async def refuses(_: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        respond(writer, "401 Unauthorized", {})

    async with serve(refuses) as url:
        options = OpenAIChatOptions(
            base_url=url,
            model="m",
            api_key="sk-verysecret",
            headers={"x-key": "hush"},
            extra_body={"user_key": "whisper"},
        )
        backend = OpenAIChatBackend(options)
        with pytest.raises(Refused) as caught:
            await backend.start()
        await backend.close()
    assert not any(word in f"{caught.value!r} {options!r}" for word in ("verysecret", "hush", "whisper"))


async def test_a_usage_beyond_belief_is_not_billed() -> None:
    """A server that claims more tokens than anything has does not speak the API."""
    claim = b'data: {"choices": [], "usage": {"completion_tokens": 9999999999999999999}}\n\n'
    async with connected(sends(event("x"), claim)) as backend:
        with pytest.raises(Unavailable, match="not its API's form"):
            await read(backend)


@pytest.mark.parametrize("number", ["NaN", "0.7", "Infinity", "1e400"])
def test_what_is_no_log_probability_is_not_certainty(number: str) -> None:
    """It becomes NaN, which signals take for the least sure."""
    token = ContentLogprob.model_validate_json(f'{{"token": "x", "logprob": {number}}}')
    assert math.isnan(token.token_logprob().logprob)


async def test_a_full_server_says_nothing_about_logprobs() -> None:
    """A probe that is turned away is made again at the next start, and not taken for a no."""

    async def full(_: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        respond(writer, "429 Too Many Requests", {})

    with pytest.raises(Overloaded):
        async with connected(full, logprobs="auto"):
            pass


@pytest.mark.parametrize(("gives", "expected"), [(True, True), (False, False)])
async def test_finds_out_about_logprobs(gives: bool, expected: bool) -> None:
    """Auto asks for one token: what really comes decides, and a refusal means none."""

    async def choosy(body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        if body.get("logprobs") and not gives:
            return respond(writer, "500 Internal Server Error", {})
        return await model(body, writer)

    async with connected(choosy, logprobs="auto") as backend:
        assert backend.capabilities.logprobs is expected


FIELDS = ("content", "delta", "token", "logprob", "logprobs", "tokens", "token_logprobs", "cached_tokens")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=3),
    max_leaves=6,
)
CHOICES = st.fixed_dictionaries({}, optional=dict.fromkeys(("delta", "logprobs", "finish_reason"), VALUES))
COUNTED = ("prompt_tokens", "completion_tokens", "prompt_cache_hit_tokens", "prompt_tokens_details")
COUNTS = st.dictionaries(st.sampled_from(COUNTED), VALUES)
CHUNKS = st.fixed_dictionaries(
    {}, optional={"choices": st.lists(CHOICES, max_size=2), "usage": COUNTS | VALUES, "error": VALUES}
)


@given(st.lists(CHUNKS, max_size=5))
def test_any_chunks_are_read_or_refused(chunks: list[dict[str, Any]]) -> None:
    """Whatever JSON comes, reading it gives a delta or one of two errors, and a believable account."""
    answer = ChatAnswer(AnswerText(("stop",)), estimated_input_token_count=1, top_logprob_count=1)
    answer.begin()
    try:
        for chunk in chunks:
            for token in answer.add(json.dumps(chunk)).tokens:
                assert not token.logprob > 0
    except (ValidationError, BackendError):
        pass
    assert 0 <= answer.usage.cached_input_token_count <= answer.usage.input_token_count <= 10**9
    assert 0 <= answer.usage.output_token_count <= 10**9


async def sent(prompt: Prompt, **options: Any) -> dict[str, Any]:
    """The request body that ``prompt`` becomes."""
    bodies: list[dict[str, Any]] = []

    def handle(request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(request.content))
        return httpx.Response(200, content=event("x") + event(finish="stop"))

    settings = {"base_url": "http://h/v1", "model": "m", "start_check": False, "logprobs": False}
    backend = OpenAIChatBackend(
        OpenAIChatOptions(**settings | options), transport=httpx.MockTransport(handle)
    )
    await backend.start()
    await read(backend, prompt)
    await backend.close()
    return bodies[0]


async def test_asks_in_the_words_of_the_api() -> None:
    """Sampling, limits, stop strings (at most 4) and the schema reach the server."""
    sampling = Sampling(0.5, 0.9, 7, ("a", "b", "c", "d", "e"), 3)
    body = await sent(Prompt(PROMPT.messages, sampling, JsonSchemaFormat({"type": "object"})), logprobs=True)
    assert (body["temperature"], body["top_p"], body["max_tokens"], body["seed"]) == (0.5, 0.9, 7, 3)
    assert body["stop"] == ["a", "b", "c", "d"]
    assert body["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert (body["logprobs"], body["top_logprobs"]) == (True, 2)


async def test_extra_fields_win_and_null_removes() -> None:
    """The configuration has the last word on the request."""
    body = await sent(PROMPT, extra_body={"temperature": None, "top_k": 5}, stream_usage=False)
    assert "temperature" not in body
    assert body["top_k"] == 5
    assert "stream_options" not in body


async def test_speaks_llama_cpps_form_of_schemas() -> None:
    """Some servers take the schema beside json_object."""
    body = await sent(
        Prompt(PROMPT.messages, response_format=JsonSchemaFormat({"a": 1})), json_schema="json_object"
    )
    assert body["response_format"] == {"type": "json_object", "schema": {"a": 1}}


async def test_a_known_context_is_checked_before_sending() -> None:
    """What cannot fit is not sent."""
    async with connected(model, context_token_count=5) as backend:
        with pytest.raises(ContextTooLong):
            await read(backend)


@pytest.mark.parametrize(
    ("url", "set_to", "external"),
    [
        ("http://127.0.0.1:1/v1", None, False),
        ("http://[::1]:1/v1", None, False),
        ("http://localhost/v1", None, False),
        ("https://api.example.com/v1", None, True),
        ("http://10.0.0.5/v1", None, True),
        ("http://10.0.0.5/v1", False, False),
    ],
)
def test_knows_whether_prompts_leave_the_machine(url: str, set_to: bool | None, external: bool) -> None:
    """Only loopback stays here, unless the configuration says otherwise."""
    options = OpenAIChatOptions(base_url=url, model="m", external=set_to)
    assert OpenAIChatBackend(options).capabilities.external is external


def test_a_proxy_of_the_environment_leads_out() -> None:
    """It is asked for loopback addresses too, unless NO_PROXY excepts them, which nobody here checks."""
    options = OpenAIChatOptions(base_url="http://localhost/v1", model="m", environment_proxy=True)
    assert OpenAIChatBackend(options).capabilities.external


@pytest.mark.parametrize(("wanted", "asked"), [(0, 2), (10, 10), (99, 20)])
async def test_asks_for_as_many_first_tokens_as_are_wanted(wanted: int, asked: int) -> None:
    """A prompt that wants ten of the most probable tokens gets them; no more than the API allows."""
    seen: list[int] = []

    async def script(body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        seen.append(body["top_logprobs"])
        writer.write(STREAM_HEAD + event("yes", finish="stop"))

    async with connected(script, logprobs=True) as backend:
        await read(backend, Prompt(PROMPT.messages, Sampling(top_logprob_count=wanted)))
    assert seen == [asked]


def test_listed_tokens_come_best_first() -> None:
    """Whatever order the server lists them in, and rounded to just above 0 as some do."""
    listed = [{"token": "No", "logprob": -2.0}, {"token": "Yes", "logprob": 1e-9}]
    token = ContentLogprob.model_validate({"token": "Yes", "logprob": 0.0, "top_logprobs": listed})
    assert token.token_logprob(top_count=2).top == (("Yes", 0.0), ("No", -2.0))
