"""The rules that every registered backend keeps, whatever computes behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, suppress
from dataclasses import dataclass
from typing import Any

import pytest

from backends.base import Backend
from backends.errors import ContextTooLong, TimedOut
from backends.registry import backend_class, backend_names
from backends.types import (
    Completion,
    Delta,
    FinishReason,
    Message,
    Prompt,
    Role,
    Sampling,
    TokenLogprob,
    Usage,
)
from tests import chat_server, messages_server, responses_server, upshift_server

LONG = 300
WORDS: dict[str, Any] = {
    "reply": " ".join(f"word{index}" for index in range(LONG)),
    "token_delay_s": 0.0001,
    "context_token_count": 4000,
}
# What each backend is started with; {…} stands for a fixture's value.
OPTIONS: dict[str, Callable[[pytest.FixtureRequest, str], dict[str, Any]]] = {
    "anthropic_messages": lambda _, url: {"base_url": url, "model": "words", "max_output_token_count": LONG},
    "echo": lambda _, __: WORDS,
    "llamacpp": lambda request, _: {
        "model": _path(request, "tiny_gguf"),
        "max_output_token_count": LONG,
        # One at a time and unguessed: what shares a step changes the last digits of statistics, no token.
        "sequence_count": 1,
        "speculation": "off",
    },
    "moe": lambda request, _: {
        "model": _path(request, "tiny_moe"),
        "max_output_token_count": LONG,
        "sequence_count": 1,
        "speculation": "off",
    },
    "openai_chat": lambda _, url: {"base_url": url, "model": "words", "max_output_token_count": LONG},
    "openai_responses": lambda _, url: {
        "base_url": url,
        "model": "words",
        "max_output_token_count": LONG,
        "min_output_token_count": 1,
    },
    "upshift_node": lambda _, target: {"target": target, "max_output_token_count": LONG},
}
# What answers in the place of a provider; else the chat completions server.
SERVERS: dict[str, Callable[[], AbstractAsyncContextManager[str]]] = {
    "anthropic_messages": lambda: chat_server.serve(messages_server.model),
    "openai_responses": lambda: chat_server.serve(responses_server.model),
    "upshift_node": lambda: upshift_server.serve(WORDS),
}
# Their API knows no seed.
SEEDLESS = {"AnthropicMessagesBackend", "OpenAIResponsesBackend"}


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole stream, folded."""

    text: str
    reasoning: str
    tokens: tuple[TokenLogprob, ...]
    finish_reason: FinishReason
    usage: Usage


def _path(request: pytest.FixtureRequest, fixture: str) -> str:
    return str(request.getfixturevalue(fixture))


def ask(content: str, **sampling: Any) -> Prompt:
    """A prompt of one message."""
    return Prompt((Message(Role.USER, content),), Sampling(**sampling))


async def answer(backend: Backend, prompt: Prompt) -> Answer:
    """Fold the stream; a Completion must come last and once."""
    items = [item async for item in backend.stream(prompt, timeout_s=60)]
    deltas = [item for item in items if isinstance(item, Delta)]
    (completion,) = (item for item in items if isinstance(item, Completion))
    assert items[-1] is completion
    return Answer(
        "".join(delta.text for delta in deltas),
        "".join(delta.reasoning for delta in deltas),
        tuple(token for delta in deltas for token in delta.tokens),
        completion.finish_reason,
        completion.usage,
    )


@pytest.fixture(params=backend_names())
async def backend(request: pytest.FixtureRequest) -> AsyncIterator[Backend]:
    """A started backend of every registered name."""
    cls: Any = backend_class(request.param)
    serve = SERVERS.get(request.param, lambda: chat_server.serve(chat_server.model))
    async with serve() as url:
        options = OPTIONS[request.param](request, url)
        started: Backend = cls(cls.Options(**options))
        await started.start()
        yield started
        await started.close()


async def test_ends_by_its_limit(backend: Backend) -> None:
    """The token limit cuts the answer, and the usage says so."""
    result = await answer(backend, ask("go on", max_output_token_count=7))
    assert result.finish_reason is FinishReason.LENGTH
    assert result.usage.output_token_count == 7


async def test_keeps_to_its_own_limit(backend: Backend) -> None:
    """A caller cannot ask for more than the tier's limit."""
    limit = backend.capabilities.max_output_token_count
    result = await answer(backend, ask("go on", max_output_token_count=limit * 10))
    assert result.usage.output_token_count <= limit


async def test_counts_what_it_read(backend: Backend) -> None:
    """Input tokens are the prompt's, and a longer prompt has more."""
    short, long = ask("go on"), ask("go on and on and on and on", max_output_token_count=2)
    result = await answer(backend, long)
    assert backend.count_tokens(short) < backend.count_tokens(long)
    assert result.usage.input_token_count > 0


async def test_gives_statistics_of_every_token(backend: Backend) -> None:
    """Where log-probabilities are offered, each output token has them, and their texts are the answer."""
    if not backend.capabilities.logprobs:
        pytest.skip("offers no log-probabilities")
    result = await answer(backend, ask("go on", max_output_token_count=20))
    assert len(result.tokens) == result.usage.output_token_count
    assert "".join(token.text for token in result.tokens) == result.reasoning + result.text


async def test_statistics_are_those_of_a_distribution(backend: Backend) -> None:
    """Greedy tokens are at least as probable as their runner-up; entropy is not negative."""
    result = await answer(backend, ask("go on", max_output_token_count=20))
    for token in result.tokens:
        assert token.logprob <= 0
        assert token.runner_up_logprob is None or token.runner_up_logprob <= token.logprob
        assert token.entropy is None or token.entropy >= 0


async def test_cuts_at_a_stop_string(backend: Backend) -> None:
    """A stop string ends the answer and is not part of it, also where it spans tokens."""
    free = await answer(backend, ask("go on", max_output_token_count=30))
    stop = free.text[5:13]
    cut = await answer(backend, ask("go on", max_output_token_count=30, stop=(stop,)))
    assert cut.text == free.text[: free.text.index(stop)]
    assert cut.finish_reason is FinishReason.STOP


async def test_is_deterministic_without_temperature(backend: Backend) -> None:
    """At temperature 0 equal prompts give equal answers and statistics, whatever ran between."""
    prompt = ask("go on", max_output_token_count=20)
    first = await answer(backend, prompt)
    await answer(backend, ask("something else", max_output_token_count=5))
    assert await answer(backend, prompt) == first


async def test_repeats_a_seed(backend: Backend) -> None:
    """Equal seeds give equal answers at any temperature, negative seeds too."""
    if type(backend).__name__ in SEEDLESS:
        pytest.skip("its API knows no seed")
    prompt = ask("go on", max_output_token_count=20, temperature=1.5, top_p=0.9, seed=-7)
    assert (await answer(backend, prompt)).text == (await answer(backend, prompt)).text


async def test_serves_again_after_its_stream_was_closed(backend: Backend) -> None:
    """Closing a stream early leaves the backend whole."""
    async with aclosing(backend.stream(ask("go on"))) as stream:
        await anext(stream)
    assert (await answer(backend, ask("go on", max_output_token_count=3))).usage.output_token_count == 3


async def test_does_not_swallow_cancellation(backend: Backend) -> None:
    """Cancelling the task that reads the stream ends that task as cancelled, and the backend serves on."""
    begun = asyncio.Event()

    async def read() -> None:
        async for _ in backend.stream(ask("go on")):
            begun.set()

    task = asyncio.create_task(read())
    await begun.wait()
    assert task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await answer(backend, ask("go on", max_output_token_count=3))).usage.output_token_count == 3


async def test_times_out(backend: Backend) -> None:
    """An answer that is not complete in its time raises TimedOut, with what was used."""
    # On a busy machine a token may take its time, too.
    for timeout_s in (0.3, 3.0, 30.0):
        stream = backend.stream(ask("go on"), timeout_s=timeout_s)
        with suppress(TimedOut):
            await anext(stream)
            break
    await asyncio.sleep(timeout_s + 0.01)
    with pytest.raises(TimedOut) as caught:
        await anext(stream)
    assert caught.value.usage.input_token_count > 0
    assert caught.value.usage.output_token_count > 0


async def test_counts_waiting_as_time(backend: Backend) -> None:
    """The timeout runs from the call, before the first item is asked for."""
    stream = backend.stream(ask("go on"), timeout_s=0.0)
    with pytest.raises(TimedOut):
        await anext(stream)


async def test_refuses_what_does_not_fit(backend: Backend) -> None:
    """A prompt longer than the context raises ContextTooLong, without usage."""
    with pytest.raises(ContextTooLong) as caught:
        await answer(backend, ask("word " * 5000))
    assert caught.value.usage == Usage()


async def test_answers_two_at_a_time(backend: Backend) -> None:
    """Concurrent streams give what each gives alone."""
    prompts = [ask("one", max_output_token_count=30), ask("two", max_output_token_count=30)]
    alone = [await answer(backend, prompt) for prompt in prompts]
    together = await asyncio.gather(*(answer(backend, prompt) for prompt in prompts))
    assert together == alone


async def test_closes_twice(backend: Backend) -> None:
    """The second close does nothing."""
    await backend.close()
    await backend.close()
