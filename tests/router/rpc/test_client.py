"""The clients: both kinds alike, typed errors, retries, text without events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import TypeVar

import grpc
import pytest

from backends.types import Message, Role
from router.errors import NoTierReady
from router.events import Event, TextDelta
from router.request import Request
from router.rpc.client import Answer, AsyncClient, Client, UpshiftError
from tests.router.rpc.conftest import Serve
from tests.router.rpc.scripted_router import DECIDED, ScriptedRouter, echo, escalate, failing, stall

T = TypeVar("T")


async def with_sync(address: str, use: Callable[[Client], T]) -> T:
    """Use the client for threads on a thread."""

    def run() -> T:
        with Client(address) as client:
            return use(client)

    return await asyncio.to_thread(run)


def failing_first(count: int) -> Callable[[ScriptedRouter, Request], AsyncGenerator[Event]]:
    """Be unavailable ``count`` times, then answer."""
    left = iter(range(count))

    async def script(router: ScriptedRouter, request: Request) -> AsyncGenerator[Event]:
        if next(left, None) is not None:
            raise NoTierReady("not yet", retry_after_s=0.25)
        async for event in echo(router, request):
            yield event

    return script


async def test_both_clients_answer_alike(serve: Serve) -> None:
    """The client for threads is the same client."""
    served = await serve()
    theirs = await with_sync(served.address, lambda client: client.generate("hi", request_id="same"))
    assert theirs == await served.client.generate("hi", request_id="same")


async def test_the_sync_client_has_every_call(serve: Serve) -> None:
    """Streams, decisions, tiers, feedback and health work on threads."""
    served = await serve()
    ask = served.address
    events = await with_sync(ask, lambda client: list(client.stream("hello")))
    assert isinstance(events[-1], Answer)
    assert await with_sync(ask, lambda client: "".join(client.stream_text("hello"))) == "hello"
    assert await with_sync(ask, lambda client: client.decide("hello")) == DECIDED
    assert await with_sync(ask, lambda client: client.list_tiers(page_size=1)) == served.router.tiers()
    assert await with_sync(ask, lambda client: client.list_certificates()) == served.router.certificates()
    assert await with_sync(ask, lambda client: client.submit_feedback("known", 1.0)) is False
    assert await with_sync(ask, lambda client: client.health()) is True


async def test_closing_a_sync_stream_stops_the_model(serve: Serve) -> None:
    """Who stops reading stops paying."""
    served = await serve(stall)

    def glance(client: Client) -> None:
        stream = client.stream("hi")
        next(stream)
        stream.close()

    await with_sync(served.address, glance)
    await asyncio.wait_for(served.router.stopped.wait(), 5.0)


async def test_closing_a_stream_stops_the_model(serve: Serve) -> None:
    """The same for asyncio, and within the loop's next turns."""
    served = await serve(stall)
    stream = served.client.stream("hi")
    await anext(stream)
    await stream.aclose()
    await asyncio.wait_for(served.router.stopped.wait(), 5.0)


async def test_a_conversation_can_be_asked(serve: Serve) -> None:
    """Messages are ours or mappings, with instructions before them."""
    served = await serve()
    turns: list[Message | dict[str, str]] = [
        Message(Role.USER, "a"),
        {"role": "assistant", "content": "b"},
        Message(Role.USER, "c"),
    ]
    assert (await served.client.generate(turns, system="s")).text == "c"
    assert [turn.content for turn in served.router.requests[0].prompt.messages] == ["s", "a", "b", "c"]


async def test_streamed_text_joins_to_the_answer(serve: Serve) -> None:
    """Text without events is the answer's text."""
    client = (await serve()).client
    assert "".join([piece async for piece in client.stream_text("hello")]) == "hello"


async def test_streamed_text_that_turns_out_void_is_an_error(serve: Serve) -> None:
    """A caller is never left with text of two attempts."""
    pieces = (await serve(escalate)).client.stream_text("hi")
    assert await anext(pieces) == "wrong"
    with pytest.raises(UpshiftError) as caught:
        await anext(pieces)
    assert caught.value.reason == "TEXT_RETRACTED"


async def test_an_error_has_everything_that_was_said(serve: Serve) -> None:
    """Code, reason, violations and id come out of the status."""
    client = (await serve()).client
    with pytest.raises(UpshiftError) as caught:
        await client.generate("hi", temperature=3.0, request_id="mine")
    error = caught.value
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "TEMPERATURE_OUT_OF_RANGE")
    assert error.request_id == "mine"
    assert [found.field for found in error.violations] == ["prompt.sampling.temperature"]


async def test_both_clients_try_again_where_no_tier_was_ready(serve: Serve) -> None:
    """UNAVAILABLE is tried again, and the caller sees only the answer."""
    served = await serve(failing_first(2))
    assert (await served.client.generate("hi")).text == "hi"
    assert len(served.router.requests) == 3
    served = await serve(failing_first(2))
    assert (await with_sync(served.address, lambda client: client.generate("hi"))).text == "hi"
    assert len(served.router.requests) == 3


async def test_tries_are_bounded(serve: Serve) -> None:
    """After four the error comes out, with when to come back."""
    served = await serve(failing(NoTierReady("down", retry_after_s=0.25)))
    with pytest.raises(UpshiftError) as caught:
        await served.client.generate("hi")
    assert (caught.value.reason, caught.value.retry_after_s) == ("NO_TIER_READY", 0.25)
    assert len(served.router.requests) <= 4


async def test_an_absent_server_is_unavailable() -> None:
    """Where nothing answers, the error is ours too."""
    async with AsyncClient("127.0.0.1:1") as client:
        with pytest.raises(UpshiftError) as caught:
            await client.health()
    assert (caught.value.code, caught.value.reason) == (grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE")


async def test_cancelling_the_task_cancels_the_call(serve: Serve) -> None:
    """Cancellation is not turned into an error."""
    served = await serve(stall)
    asking = asyncio.create_task(served.client.generate("hi"))
    await served.router.running.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await asyncio.wait_for(served.router.stopped.wait(), 5.0)


async def test_an_answer_reads_as_json(serve: Serve) -> None:
    """Answers under a schema are a call away from values."""
    answer = await (await serve()).client.generate('{"a": 1}', schema={"type": "object"})
    assert answer.json() == {"a": 1}


async def test_deltas_arrive_as_events(serve: Serve) -> None:
    """Those who can take text back read the events themselves."""
    events = [event async for event in (await serve(escalate)).client.stream("hi", allow_retraction=True)]
    assert [event.text for event in events if isinstance(event, TextDelta)] == ["wrong", "right"]
