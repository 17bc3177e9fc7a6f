"""OpenAI's own client against the gateway: it was written by others and knows nothing of us."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

from backends.types import JsonSchemaFormat
from router.errors import BudgetExhausted, ContextTooLong, NoTierReady, RateLimited
from router.events import Event
from router.request import Request
from router.tenants.key_ring import KeyRing
from tests.router.gateway.conftest import Open, Opened
from tests.router.gateway.houses import calling, structured, talking
from tests.router.rpc.scripted_router import ScriptedRouter, escalate, failing, stall
from tests.router.rpc.test_authentication import key

ASKED: Any = [{"role": "user", "content": "hello"}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


Sdk = Callable[..., AsyncOpenAI]


@pytest.fixture
async def client() -> AsyncIterator[Sdk]:
    """Make clients of a gateway that are closed with the test."""
    async with AsyncExitStack() as stack:

        def make(opened: Opened, key: str = "none", **options: Any) -> AsyncOpenAI:
            made = AsyncOpenAI(base_url=f"{opened.url}/v1", api_key=key, max_retries=0, **options)
            stack.push_async_callback(made.close)
            return made

        yield make


async def test_an_answer(gateway: Open, client: Sdk) -> None:
    """It comes with its tier as the model, its tokens, and the account in headers."""
    opened = await gateway(talking)
    raw = await client(opened).chat.completions.with_raw_response.create(model="auto", messages=ASKED)
    answer = raw.parse()
    assert (answer.choices[0].message.content, answer.model) == ("hello", "edge")
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (3, 2)
    account = {
        name: raw.headers[f"x-upshift-{name}"] for name in ("tier", "policy", "confidence", "attempts")
    }
    assert account == {"tier": "edge", "policy": "default", "confidence": "0.9000", "attempts": "1"}
    assert raw.headers["x-upshift-certificate"] == "c1"
    assert raw.headers["x-upshift-request-id"] == answer._request_id


def test_threads(echo_gateway: str) -> None:
    """The synchronous client works as well."""
    with OpenAI(base_url=f"{echo_gateway}/v1", api_key="none") as sync:
        answer = sync.chat.completions.create(model="policy:default", messages=ASKED)
        assert answer.choices[0].message.content == "hello"
        stream = sync.chat.completions.create(model="edge", messages=ASKED, stream=True)
        assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == "hello"


async def test_a_stream(gateway: Open, client: Sdk) -> None:
    """Text comes in pieces, then why it ended, then what was used where that is asked for."""
    opened = await gateway(talking)
    stream = await client(opened).chat.completions.create(
        model="auto",
        messages=ASKED,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = [chunk async for chunk in stream]
    assert "".join(c.choices[0].delta.content or "" for c in chunks[:-1]) == "hello"
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-2].model_extra is not None
    assert chunks[-2].model_extra["upshift"]["policy"] == "default"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 5


async def test_voided_text_ends_a_stream_in_an_error(gateway: Open, client: Sdk) -> None:
    """This API cannot take text back, so a client must not take it for an answer."""
    stream = await client(await gateway(escalate)).chat.completions.create(
        model="auto",
        messages=ASKED,
        stream=True,
    )
    with pytest.raises(openai.APIError, match="in the middle"):
        [chunk async for chunk in stream]


async def test_several_answers(gateway: Open, client: Sdk) -> None:
    """Each is a request of its own, with a seed of its own, and the money is shared out."""
    opened = await gateway(talking)
    answer = await client(opened).chat.completions.create(
        model="auto",
        messages=ASKED,
        n=3,
        seed=7,
        extra_body={"upshift": {"max_cost_usd": 0.03}},
    )
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert isinstance(opened.core, ScriptedRouter)
    requests = opened.core.requests
    assert sorted(request.prompt.sampling.seed or 0 for request in requests) == [7, 8, 9]
    assert {request.constraints.max_cost_usd_micros for request in requests} == {10_000}
    assert len({request.id for request in requests}) == 3


async def test_several_answers_in_a_stream(gateway: Open, client: Sdk) -> None:
    """Chunks of all come between each other, and each tells its end."""
    stream = await client(await gateway(talking)).chat.completions.create(
        model="auto",
        messages=ASKED,
        n=2,
        stream=True,
    )
    told = {0: "", 1: ""}
    ends = []
    async for chunk in stream:
        told[chunk.choices[0].index] += chunk.choices[0].delta.content or ""
        ends += [choice.index for choice in chunk.choices if choice.finish_reason]
    assert told == {0: "hello", 1: "hello"}
    assert sorted(ends) == [0, 1]


async def test_tools_go_through(gateway: Open, client: Sdk) -> None:
    """They reach the core, the calls come back, and so does what came of them."""
    opened = await gateway(calling)
    sdk = client(opened)
    answer = await sdk.chat.completions.create(
        model="auto",
        messages=ASKED,
        tools=[WEATHER],
        tool_choice={"type": "function", "function": {"name": "weather"}},
        parallel_tool_calls=False,
    )
    (call,) = answer.choices[0].message.tool_calls or []
    assert answer.choices[0].finish_reason == "tool_calls"
    assert call.type == "function"
    assert (call.id, call.function.name, json.loads(call.function.arguments)) == (
        "call-1",
        "weather",
        {"city": "Bern"},
    )
    assert isinstance(opened.core, ScriptedRouter)
    box = opened.core.requests[0].prompt.tools
    assert box is not None
    assert (box.choice.name, box.parallel_calls, box.tools[0].name) == ("weather", False, "weather")
    turns = [*ASKED, answer.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "rain"}]
    await sdk.chat.completions.create(model="auto", messages=turns, tools=[WEATHER])
    last = opened.core.requests[1].prompt.messages[-1]
    assert (last.role, last.content, last.tool_call_id) == ("tool", "rain", "call-1")


async def test_calls_in_a_stream(gateway: Open, client: Sdk) -> None:
    """The client's own accumulator puts them together."""
    async with client(await gateway(calling)).chat.completions.stream(
        model="auto",
        messages=ASKED,
        tools=[WEATHER],
    ) as stream:
        final = await stream.get_final_completion()
    (call,) = final.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert call.function.arguments == '{"city": "Bern"}'


class City(BaseModel):
    """What is asked for."""

    name: str
    people: int


async def test_structured_output(gateway: Open, client: Sdk) -> None:
    """The schema of a class reaches the core, and the answer becomes an object of it."""
    opened = await gateway(structured)
    answer = await client(opened).chat.completions.parse(
        model="auto",
        messages=ASKED,
        response_format=City,
    )
    assert answer.choices[0].message.parsed == City(name="Bern", people=134_000)
    assert isinstance(opened.core, ScriptedRouter)
    form = opened.core.requests[0].prompt.response_format
    assert isinstance(form, JsonSchemaFormat)
    assert set(form.schema["properties"]) == {"name", "people"}


async def test_logprobs(gateway: Open, client: Sdk) -> None:
    """Of every token, with the most probable ones beside it."""
    answer = await client(await gateway()).chat.completions.create(
        model="auto",
        messages=ASKED,
        logprobs=True,
        top_logprobs=2,
    )
    logprobs = answer.choices[0].logprobs
    assert logprobs is not None
    (token,) = logprobs.content or []
    assert (token.token, token.logprob, [t.token for t in token.top_logprobs]) == ("hi", -0.5, ["hi", "ho"])


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (ContextTooLong("too long"), openai.BadRequestError, "context_length_exceeded"),
        (
            RateLimited("slow down", retry_after_s=2.5, metadata={}),
            openai.RateLimitError,
            "rate_limit_exceeded",
        ),
        (BudgetExhausted("spent"), openai.RateLimitError, "insufficient_quota"),
        (NoTierReady("down"), openai.InternalServerError, "no_tier_ready"),
        (ValueError("a secret of the prompt"), openai.InternalServerError, "internal"),
    ],
)
@pytest.mark.parametrize("is_streamed", [False, True])
async def test_errors_are_the_clients_own(
    gateway: Open,
    client: Sdk,
    error: Exception,
    kind: type[openai.APIStatusError],
    code: str,
    is_streamed: bool,
) -> None:
    """Every way to fail ends in the class that its clients catch, in streams too, and tells no secret."""
    sdk = client(await gateway(failing(error)))
    with pytest.raises(kind) as caught:
        await sdk.chat.completions.create(model="auto", messages=ASKED, stream=is_streamed)
    assert caught.value.code == code
    assert "secret" not in str(caught.value)
    if isinstance(error, RateLimited):
        assert caught.value.response.headers["retry-after"] == "3"


async def test_the_client_comes_back_when_it_is_told_to(gateway: Open, client: Sdk) -> None:
    """After a refusal with a time, its own retry finds the server ready."""
    tries = 0

    async def second_time(router: ScriptedRouter, request: Request) -> AsyncGenerator[Event]:
        nonlocal tries
        tries += 1
        script = talking if tries > 1 else failing(RateLimited("slow", retry_after_s=0.01, metadata={}))
        async for event in script(router, request):
            yield event

    sdk = client(await gateway(second_time)).with_options(max_retries=1)
    answer = await sdk.chat.completions.create(model="auto", messages=ASKED)
    assert (answer.choices[0].message.content, tries) == ("hello", 2)


async def test_it_does_not_come_back_in_vain(gateway: Open, client: Sdk) -> None:
    """Of a request's own budget there is no more later; the client is told so and asks once."""
    opened = await gateway(failing(BudgetExhausted("spent")))
    with pytest.raises(openai.RateLimitError):
        await (
            client(opened)
            .with_options(max_retries=3)
            .chat.completions.create(
                model="auto",
                messages=ASKED,
            )
        )
    assert len(opened.records) == 1


async def test_an_unknown_model(gateway: Open, client: Sdk) -> None:
    """404, with those that there are."""
    with pytest.raises(openai.NotFoundError, match="edge, frontier") as caught:
        await client(await gateway()).chat.completions.create(model="gpt-9", messages=ASKED)
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")


async def test_a_key_that_is_not_known(gateway: Open, client: Sdk, tmp_path: Path) -> None:
    """401; a known one opens, and its tenant is the request's."""
    token = key(tmp_path / "keys.json", "acme")
    opened = await gateway(talking, keys=KeyRing(tmp_path / "keys.json"))
    with pytest.raises(openai.AuthenticationError):
        await client(opened, "wrong").chat.completions.create(model="auto", messages=ASKED)
    await client(opened, token).chat.completions.create(model="auto", messages=ASKED)
    assert isinstance(opened.core, ScriptedRouter)
    assert [request.tenant for request in opened.core.requests] == ["acme"]


async def test_a_client_that_times_out_stops_the_model(gateway: Open, client: Sdk) -> None:
    """Its own timeout closes the connection, and that reaches the core."""
    opened = await gateway(stall)
    with pytest.raises(openai.APITimeoutError):
        await client(opened, timeout=0.3).chat.completions.create(model="auto", messages=ASKED)
    assert isinstance(opened.core, ScriptedRouter)
    await asyncio.wait_for(opened.core.stopped.wait(), 1)


async def test_embeddings(gateway: Open, client: Sdk) -> None:
    """The client asks for base 64 by itself and gives floats."""
    opened = await gateway()
    found = await client(opened).embeddings.create(model="auto", input=["one", "two"])
    assert [item.embedding for item in found.data] == [pytest.approx([0.6, 0.8])] * 2
    assert found.usage.prompt_tokens == 7


async def test_models(gateway: Open, client: Sdk) -> None:
    """Everything that may be asked for is listed, and described by its name."""
    sdk = client(await gateway())
    names = [model.id async for model in sdk.models.list()]
    assert names == ["auto", "policy:default", "edge", "frontier"]
    assert (await sdk.models.retrieve("policy:default")).id == "policy:default"


async def test_a_response(gateway: Open, client: Sdk) -> None:
    """The responses API gives the same answer in its own shape."""
    opened = await gateway(talking)
    answer = await client(opened).responses.create(model="auto", input="hello", instructions="Be brief.")
    assert (answer.output_text, answer.status, answer.model) == ("hello", "completed", "edge")
    assert isinstance(opened.core, ScriptedRouter)
    assert [message.role for message in opened.core.requests[0].prompt.messages] == ["system", "user"]


async def test_a_response_in_a_stream(gateway: Open, client: Sdk) -> None:
    """The client's accumulator follows every event and ends with the whole."""
    async with client(await gateway(talking)).responses.stream(model="auto", input="hello") as stream:
        kinds = [event.type async for event in stream]
        final = await stream.get_final_response()
    assert kinds[0] == "response.created"
    assert kinds[-1] == "response.completed"
    assert "response.output_text.delta" in kinds
    assert final.output_text == "hello"


async def test_a_response_that_calls(gateway: Open, client: Sdk) -> None:
    """Calls are items, streamed or not, and their outputs come back as items."""
    opened = await gateway(calling)
    sdk = client(opened)
    tool: Any = {"type": "function", **WEATHER["function"]}
    async with sdk.responses.stream(model="auto", input="weather?", tools=[tool]) as stream:
        final = await stream.get_final_response()
    (item,) = final.output
    assert item.type == "function_call"
    assert (item.name, item.arguments) == ("weather", '{"city": "Bern"}')
    output = {"type": "function_call_output", "call_id": item.call_id, "output": "rain"}
    called = item.model_dump(exclude_none=True, exclude={"parsed_arguments"})
    asked: Any = [{"role": "user", "content": "weather?"}, called, output]
    await sdk.responses.create(model="auto", input=asked, tools=[tool])
    assert isinstance(opened.core, ScriptedRouter)
    roles = [message.role for message in opened.core.requests[1].prompt.messages]
    assert roles == ["user", "assistant", "tool"]


async def test_a_structured_response(gateway: Open, client: Sdk) -> None:
    """The form of the text is the schema of a class."""
    answer = await client(await gateway(structured)).responses.parse(
        model="auto", input="a city", text_format=City
    )
    assert answer.output_parsed == City(name="Bern", people=134_000)


async def test_what_is_kept_nowhere_is_refused(gateway: Open, client: Sdk) -> None:
    """A response that builds on an earlier one would silently miss it."""
    with pytest.raises(openai.BadRequestError, match="previous_response_id"):
        await client(await gateway()).responses.create(
            model="auto", input="and then?", previous_response_id="resp_1"
        )
