"""Another node as a tier: what travels along, what comes back, and when it ends."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

import pytest

from backends.errors import BackendError, ContextTooLong, Overloaded, Refused, TimedOut, Unavailable
from backends.tools import Tool, Toolbox, ToolCall, ToolChoice, ToolMode
from backends.types import (
    Caller,
    Completion,
    Delta,
    GrammarFormat,
    JsonSchemaFormat,
    Message,
    Prompt,
    RegexFormat,
    Role,
    Sampling,
    Terms,
    Usage,
)
from backends.upshift_node import UpshiftNodeBackend
from backends.upshift_node_options import UpshiftNodeOptions
from router import errors
from router.build import build
from router.config import ServerConfig, parse
from router.events import Event, TextDelta
from router.request import Constraints, Request
from router.rpc.client import AsyncClient, UpshiftError
from router.rpc.server import RouterServer
from tests import upshift_server
from tests.backends.dialects import PROMPT, read, text_of
from tests.backends.leaks import nothing_left
from tests.backends.nodes import node
from tests.router.rpc.scripted_router import (
    DECIDED,
    STARTED,
    ScriptedRouter,
    escalate,
    failing,
    result,
    stall,
)

CIRCLE = """
version: 1
server: {{listen: "{address}"}}
tiers:
  - {{name: me, backend: upshift_node, options: {{target: "{address}", start_check: false}}}}
policies:
  - {{name: default, ladder: [me], objective: {{rule: fixed, tier: me}}}}
"""


async def test_all_that_binds_a_request_travels_along() -> None:
    """Constraints, budget, tags, tenant, priority, trace and deadline reach the next node."""
    terms = Terms(0.7, 5_000, 2, ("pii",), "r1", "00-ab-cd-01", 1)
    prompt = replace(PROMPT, caller=Caller("acme", 1), terms=terms)
    async with node() as (backend, router):
        await read(backend, prompt, timeout_s=5.0)
    request = router.requests[0]
    assert request.constraints == Constraints(0.7, 5_000, 2, local_only=True)
    assert (request.tags, request.tenant) == (frozenset({"pii"}), "acme")
    assert request.prompt.caller == Caller("acme", 1)
    assert (request.traceparent, request.hop_count) == ("00-ab-cd-01", 2)
    assert request.id.startswith("r1-")
    assert request.timeout_s is not None
    # gRPC rounds what it sends up, by 1 % at most.
    assert 4.0 < request.timeout_s <= 5.05


@pytest.mark.parametrize(
    "form",
    [JsonSchemaFormat({"type": "object"}), RegexFormat("a+"), GrammarFormat('root ::= "a"'), None],
    ids=["schema", "regex", "grammar", "free"],
)
async def test_prompt_and_form_arrive_as_they_were(form: Any) -> None:
    """Nothing of the conversation, the sampling and the form is lost on the way."""
    sampling = Sampling(0.5, 0.9, 7, ("a", "b"), -3, 5, 0.1, 1.5, 0.25, -0.25)
    turns = (Message(Role.SYSTEM, "be"), Message(Role.ASSISTANT, "hm"), Message(Role.USER, "hi"))
    async with node() as (backend, router):
        await read(backend, Prompt(turns, sampling, form))
    assert router.requests[0].prompt == Prompt(turns, sampling, form)


async def test_tools_go_there_and_calls_come_back() -> None:
    """So do earlier calls, and what came of them; and the conversation keeps its name."""
    calls = (ToolCall("c1", "look_up", "{oops"),)
    turns = (
        Message(Role.USER, "hi"),
        Message(Role.ASSISTANT, "", tool_calls=calls),
        Message(Role.TOOL, "", tool_call_id="c1", is_error=True),
    )
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    tools = Toolbox(
        (Tool("look_up", "Finds.", schema, True),), ToolChoice(ToolMode.REQUIRED, "look_up"), False
    )
    async with node() as (backend, router):
        items = await read(backend, Prompt(turns, tools=tools, terms=Terms(session="chat-1")))
    assert (router.requests[0].prompt.messages, router.requests[0].prompt.tools) == (turns, tools)
    assert router.requests[0].session == "chat-1"
    called = [call for item in items if isinstance(item, Delta) for call in item.tool_calls]
    assert called == [ToolCall("call-1", "look_up", '{"city": "Bern"}')]


@pytest.mark.parametrize("can", [True, False])
async def test_a_node_can_call_tools_where_a_tier_of_it_can(can: bool) -> None:
    """It says so when it is asked for its tiers."""
    async with upshift_server.serve({"tools": can}) as target:
        backend = UpshiftNodeBackend(UpshiftNodeOptions(target=target))
        await backend.start()
        assert backend.capabilities.tools is can
        await backend.close()


async def test_the_node_says_what_it_cost() -> None:
    """Usage, cost and reasoning are the node's own account."""
    async with node() as (backend, _):
        items = await read(backend)
    completion = items[-1]
    assert isinstance(completion, Completion)
    assert (completion.usage, completion.cost_usd_micros) == (Usage(3, 2), 7)
    assert "".join(item.reasoning for item in items if isinstance(item, Delta)) == "because"


async def test_text_comes_as_the_node_writes_it() -> None:
    """Streaming is true: the first piece is there while the node still waits."""

    async def halts(router: ScriptedRouter, request: Request) -> AsyncGenerator[Event]:
        yield DECIDED
        yield STARTED
        yield TextDelta(1, "first")
        await router.gate.wait()
        yield result(request, "first and last")

    async with node(halts) as (backend, router):
        stream = backend.stream(PROMPT, timeout_s=5.0)
        assert await anext(stream) == Delta("first")
        router.gate.set()
        assert text_of([item async for item in stream]) == " and last"


async def test_leaving_stops_the_far_model() -> None:
    """A caller that cancels stops what runs on the node, at once."""
    async with node(stall) as (backend, router):
        reading = asyncio.create_task(read(backend))
        await router.running.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        async with asyncio.timeout(30.0):
            await router.stopped.wait()


async def test_the_deadline_stops_the_far_model() -> None:
    """Past the deadline the caller gets TimedOut, and the node computes no more."""
    async with node(stall) as (backend, router):
        with pytest.raises(TimedOut) as caught:
            await read(backend, timeout_s=0.1)
        async with asyncio.timeout(30.0):
            await router.stopped.wait()
    assert caught.value.usage.input_token_count > 0


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (errors.NoTierReady("down", retry_after_s=3.0), Unavailable),
        (errors.QueueFull("full", retry_after_s=3.0), Overloaded),
        (errors.DeadlineExceeded("late"), TimedOut),
        (errors.ContextTooLong("long"), ContextTooLong),
        (errors.BudgetExhausted("poor"), Refused),
        (errors.NoTierAllowed("none"), Refused),
        (errors.RequestRefused("never"), Refused),
        (errors.InvalidRequest((errors.Violation("x", "PROMPT_TOO_LARGE", "y"),)), ContextTooLong),
        (errors.InvalidRequest((errors.Violation("x", "TAGS_TOO_MANY", "y"),)), Refused),
        (ValueError("a secret prompt"), Unavailable),
    ],
)
async def test_every_error_of_a_node_has_its_type(error: Exception, kind: type[BackendError]) -> None:
    """The node's reason decides, then gRPC's code; the node's own words stay there."""
    async with node(failing(error)) as (backend, _):
        with pytest.raises(kind) as caught:
            await read(backend)
    assert type(caught.value) is kind
    assert str(error) not in str(caught.value)
    if isinstance(error, errors.NoTierReady | errors.QueueFull):
        assert isinstance(caught.value, Unavailable)
        assert caught.value.retry_after_s == 3.0


async def test_a_retraction_before_any_text_does_not_show() -> None:
    """An attempt that the node rejects in silence is its own affair."""

    async def silent(router: ScriptedRouter, request: Request) -> AsyncGenerator[Event]:
        async for event in escalate(router, request):
            if event != TextDelta(1, "wrong"):
                yield event

    async with node(silent) as (backend, _):
        assert text_of(await read(backend)) == "right"


async def test_text_that_is_voided_makes_no_answer() -> None:
    """What was passed on cannot be taken back, so an answer that does not go on from it is an error."""
    async with node(escalate) as (backend, _):
        with pytest.raises(Unavailable, match="voided"):
            await read(backend)


async def test_a_node_that_dies_is_unavailable_and_comes_back() -> None:
    """The call ends typed, the start fails typed, and a new node at the same place is found."""
    router = ScriptedRouter(stall)
    settings = ServerConfig.model_validate({"listen": "127.0.0.1:0"})
    async with RouterServer(settings, router) as server:
        target = await server.start()
        backend = UpshiftNodeBackend(UpshiftNodeOptions(target=target))
        await backend.start()
        reading = asyncio.create_task(read(backend))
        await router.running.wait()
    with pytest.raises(Unavailable):
        await reading
    with pytest.raises((Unavailable, TimedOut)):
        await backend.start()
    async with RouterServer(ServerConfig.model_validate({"listen": target}), ScriptedRouter()) as again:
        await again.start()
        async with asyncio.timeout(60):
            while True:
                try:
                    await backend.start()
                    break
                except Unavailable:
                    await asyncio.sleep(0.05)
        assert text_of(await read(backend)) == "a secret prompt"
    await backend.close()


async def test_closing_the_backend_ends_its_streams() -> None:
    """A stream that waits while the backend closes raises Unavailable, and its task goes on."""
    async with node(stall) as (backend, router):
        reading = asyncio.create_task(read(backend))
        await router.running.wait()
        await backend.close()
        with pytest.raises(Unavailable):
            await reading


async def test_a_closed_backend_leaves_nothing() -> None:
    """Neither task nor socket nor thread is left, whether calls ended, were left or failed."""
    # gRPC's own threads run as long as anything of it does.
    async with node(), nothing_left(), node(stall) as (backend, router):
        with pytest.raises(TimedOut):
            await read(backend, timeout_s=0.05)
        reading = asyncio.create_task(read(backend))
        await router.running.wait()
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def test_a_node_that_is_down_is_unavailable() -> None:
    """There is nobody to ask."""
    backend = UpshiftNodeBackend(UpshiftNodeOptions(target="127.0.0.1:1"))
    with pytest.raises(Unavailable, match="UNAVAILABLE"):
        await backend.start()
    await backend.close()
    with pytest.raises(Unavailable, match="not started"):
        await read(backend)


async def test_an_edge_books_what_the_region_says() -> None:
    """A whole chain answers, and the edge's account is that of the tier that did the work."""
    async with (
        upshift_server.serve({"reply": "regional answer"}) as region,
        upshift_server.serve({"target": region}, backend="upshift_node") as edge,
        AsyncClient(edge) as client,
    ):
        answer = await client.generate("hi", max_cost_usd=0.01, timeout_s=10.0)
        assert (answer.text, answer.usage) == ("regional answer", Usage(1, 2))
        assert round(answer.cost_usd * 1e6) == 1 * 3 + 2 * 15
        with pytest.raises(UpshiftError) as caught:
            await client.generate("hi", max_cost_usd=0.000001, timeout_s=10.0)
    assert caught.value.reason == "BUDGET_EXHAUSTED"


async def test_nodes_in_a_circle_give_up() -> None:
    """A node whose only tier is itself passes a request on as often as it may, and then refuses."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    config = parse(CIRCLE.format(address=address))
    router = build(config)
    asked: list[int] = []
    run = router.run

    def counted(request: Request) -> AsyncGenerator[Event]:
        asked.append(request.hop_count)
        return run(request)

    router.run = counted  # type: ignore[method-assign]
    async with RouterServer(config.server, router) as server, AsyncClient(await server.start()) as client:
        with pytest.raises(UpshiftError) as caught:
            await client.generate("hi", timeout_s=10.0)
    assert caught.value.reason == "REQUEST_REFUSED"
    assert asked == [0, 1, 2, 3]


async def test_what_must_stay_here_goes_to_no_other_machine() -> None:
    """The adapter itself refuses, whatever the plan above it says."""
    async with node(external=True) as (backend, router):
        with pytest.raises(Refused, match="must stay on this machine"):
            await read(backend, PROMPT)
    assert router.requests == []
