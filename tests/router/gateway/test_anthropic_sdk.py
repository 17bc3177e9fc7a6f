"""Anthropic's own client against the gateway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic, AsyncAnthropic

from backends.types import JsonSchemaFormat, Role
from router.errors import ContextTooLong, DeadlineExceeded, NoTierReady, RateLimited
from router.events import Event
from router.request import Request
from router.tenants.key_ring import KeyRing
from tests.router.gateway.conftest import Open, Opened
from tests.router.gateway.houses import calling, structured, talking
from tests.router.rpc.scripted_router import ScriptedRouter, failing, stall
from tests.router.rpc.test_authentication import key

ASKED: Any = [{"role": "user", "content": "hello"}]
WEATHER: Any = {
    "name": "weather",
    "description": "The weather in a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII="
Sdk = Callable[..., AsyncAnthropic]


@pytest.fixture
async def client() -> AsyncIterator[Sdk]:
    """Make clients of a gateway that are closed with the test."""
    async with AsyncExitStack() as stack:

        def make(opened: Opened, key: str = "none", **options: Any) -> AsyncAnthropic:
            made = AsyncAnthropic(base_url=opened.url, api_key=key, **{"max_retries": 0, **options})
            stack.push_async_callback(made.close)
            return made

        yield make


def asked(opened: Opened) -> Any:
    assert isinstance(opened.core, ScriptedRouter)
    return opened.core.requests[-1].prompt


async def test_a_message(gateway: Open, client: Sdk) -> None:
    """It comes with its tier as the model; instructions and limits reach the core."""
    opened = await gateway(talking)
    answer = await client(opened).messages.create(
        model="auto", max_tokens=50, system="Be brief.", stop_sequences=["END"], messages=ASKED
    )
    (block,) = answer.content
    assert block.type == "text"
    assert (block.text, answer.model, answer.stop_reason) == ("hello", "edge", "end_turn")
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (3, 2)
    prompt = asked(opened)
    assert [(m.role, m.content) for m in prompt.messages] == [
        (Role.SYSTEM, "Be brief."),
        (Role.USER, "hello"),
    ]
    assert (prompt.sampling.max_output_token_count, prompt.sampling.stop) == (50, ("END",))


def test_threads(echo_gateway: str) -> None:
    """The synchronous client works as well, streamed too."""
    with Anthropic(base_url=echo_gateway, api_key="none") as sync:
        with sync.messages.stream(model="auto", max_tokens=50, messages=ASKED) as stream:
            assert "".join(stream.text_stream) == "hello"
        answer = sync.messages.create(model="edge", max_tokens=50, messages=ASKED)
        assert answer.model == "edge"


def test_a_stop_sequence_is_told_from_the_end(echo_gateway: str) -> None:
    """Where the tier tells which it was, the answer does, streamed too."""
    with Anthropic(base_url=echo_gateway, api_key="none") as sync:
        wish: Any = {"model": "edge", "max_tokens": 50, "messages": ASKED, "stop_sequences": ["x", "ll"]}
        answer = sync.messages.create(**wish)
        with sync.messages.stream(**wish) as stream:
            streamed = stream.get_final_message()
        both: tuple[Any, ...] = (answer, streamed)
        for one in both:
            assert (one.stop_reason, one.stop_sequence) == ("stop_sequence", "ll")
            assert [block.text for block in one.content if block.type == "text"] == ["he"]
        assert sync.messages.create(**wish | {"stop_sequences": ["x"]}).stop_reason == "end_turn"


def test_tokens_are_counted(echo_gateway: str) -> None:
    """As many as the answer is then told to have read; no model runs for it."""
    with Anthropic(base_url=echo_gateway, api_key="none") as sync:
        said: Any = {"model": "edge", "messages": [{"role": "user", "content": "how many words are these"}]}
        counted = sync.messages.count_tokens(**said).input_tokens
        assert counted == sync.messages.create(max_tokens=5, **said).usage.input_tokens > 0
        with pytest.raises(anthropic.BadRequestError):
            sync.messages.count_tokens(**said, extra_body={"max_tokens": 5})


async def test_a_stream(gateway: Open, client: Sdk) -> None:
    """The client's accumulator follows every event and ends with the whole."""
    async with client(await gateway(talking)).messages.stream(
        model="auto", max_tokens=50, messages=ASKED
    ) as stream:
        text = "".join([piece async for piece in stream.text_stream])
        final = await stream.get_final_message()
    assert text == "hello"
    assert (final.stop_reason, final.usage.output_tokens) == ("end_turn", 2)


@pytest.mark.parametrize("is_streamed", [False, True])
async def test_tools_go_through(gateway: Open, client: Sdk, is_streamed: bool) -> None:
    """Calls come as blocks, and what came of them goes back as blocks."""
    opened = await gateway(calling)
    sdk = client(opened)
    wish: Any = {
        "model": "auto",
        "max_tokens": 50,
        "messages": ASKED,
        "tools": [WEATHER],
        "tool_choice": {"type": "tool", "name": "weather", "disable_parallel_tool_use": True},
    }
    if is_streamed:
        async with sdk.messages.stream(**wish) as stream:
            answer: Any = await stream.get_final_message()
    else:
        answer = await sdk.messages.create(**wish)
    (block,) = answer.content
    assert (block.type, block.name, block.input) == ("tool_use", "weather", {"city": "Bern"})
    assert answer.stop_reason == "tool_use"
    box = asked(opened).tools
    assert (box.choice.name, box.parallel_calls) == ("weather", False)
    results = [{"type": "tool_result", "tool_use_id": block.id, "content": "no signal", "is_error": True}]
    turns: Any = [
        *ASKED,
        {"role": "assistant", "content": answer.content},
        {"role": "user", "content": [*results, {"type": "text", "text": "go on"}]},
    ]
    await sdk.messages.create(model="auto", max_tokens=50, messages=turns, tools=[WEATHER])
    last = asked(opened).messages
    assert [m.role for m in last] == [Role.USER, Role.ASSISTANT, Role.TOOL, Role.USER]
    assert (last[2].tool_call_id, last[2].is_error) == (block.id, True)


async def test_structured_output(gateway: Open, client: Sdk) -> None:
    """A schema is the form of the answer."""
    opened = await gateway(structured)
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    await client(opened).messages.create(
        model="auto",
        max_tokens=50,
        messages=ASKED,
        extra_body={"output_config": {"format": {"type": "json_schema", "schema": schema}}},
    )
    form = asked(opened).response_format
    assert isinstance(form, JsonSchemaFormat)
    assert form.schema["required"] == ["name"]


async def test_pictures(gateway: Open, client: Sdk) -> None:
    """They reach the core as they are."""
    opened = await gateway(talking)
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    turns: Any = [{"role": "user", "content": [image, {"type": "text", "text": "what is it?"}]}]
    await client(opened).messages.create(model="auto", max_tokens=50, messages=turns)
    (picture,) = asked(opened).messages[0].images
    assert (picture.media_type, picture.base64) == ("image/png", PIXEL)


@pytest.mark.parametrize(
    ("error", "kind", "name"),
    [
        (ContextTooLong("too long"), anthropic.BadRequestError, "invalid_request_error"),
        (RateLimited("slow", retry_after_s=2.0, metadata={}), anthropic.RateLimitError, "rate_limit_error"),
        (NoTierReady("down"), anthropic.InternalServerError, "overloaded_error"),
        (DeadlineExceeded("late"), anthropic.InternalServerError, "timeout_error"),
        (ValueError("a secret of the prompt"), anthropic.InternalServerError, "api_error"),
    ],
)
async def test_errors_are_the_clients_own(
    gateway: Open, client: Sdk, error: Exception, kind: type[anthropic.APIStatusError], name: str
) -> None:
    """Every way to fail ends in the class that its clients catch, and tells no secret."""
    with pytest.raises(kind) as caught:
        await client(await gateway(failing(error))).messages.create(
            model="auto", max_tokens=5, messages=ASKED
        )
    body: Any = caught.value.body
    assert (body["type"], body["error"]["type"]) == ("error", name)
    assert "secret" not in str(caught.value)


async def test_the_client_comes_back_when_it_is_told_to(gateway: Open, client: Sdk) -> None:
    """After a refusal with a time, its own retry finds the server ready."""
    tries = 0

    async def second_time(router: ScriptedRouter, request: Request) -> AsyncGenerator[Event]:
        nonlocal tries
        tries += 1
        script = talking if tries > 1 else failing(NoTierReady("down", retry_after_s=0.01))
        async for event in script(router, request):
            yield event

    sdk = client(await gateway(second_time), max_retries=1)
    answer = await sdk.messages.create(model="auto", max_tokens=5, messages=ASKED)
    assert (answer.stop_reason, tries) == ("end_turn", 2)


async def test_a_client_that_times_out_stops_the_model(gateway: Open, client: Sdk) -> None:
    """Its own timeout closes the connection, and that reaches the core."""
    opened = await gateway(stall)
    with pytest.raises(anthropic.APITimeoutError):
        await client(opened, timeout=0.3).messages.create(model="auto", max_tokens=5, messages=ASKED)
    assert isinstance(opened.core, ScriptedRouter)
    await asyncio.wait_for(opened.core.stopped.wait(), 1)


async def test_the_key_of_its_own_header(gateway: Open, client: Sdk, tmp_path: Path) -> None:
    """It sends `x-api-key`."""
    token = key(tmp_path / "keys.json", "acme")
    opened = await gateway(talking, keys=KeyRing(tmp_path / "keys.json"))
    with pytest.raises(anthropic.AuthenticationError):
        await client(opened, "wrong").messages.create(model="auto", max_tokens=5, messages=ASKED)
    answer = await client(opened, token).messages.create(model="auto", max_tokens=5, messages=ASKED)
    assert answer._request_id
