"""Events pass in order, text that waits is joined, and errors and cancellation pass through."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from router.events import AttemptStarted, Event, TextDelta
from router.rpc.coalesce import coalesced

STARTED = AttemptStarted(1, "edge", "cheapest")


async def playing(*events: Event | BaseException | asyncio.Event) -> AsyncGenerator[Event]:
    for event in events:
        if isinstance(event, asyncio.Event):
            await event.wait()
        elif isinstance(event, BaseException):
            raise event
        else:
            yield event


async def test_text_that_is_ready_together_goes_together() -> None:
    """Neighbouring pieces of an attempt are one; other events and attempts stay apart."""
    pieces = (TextDelta(1, "a"), TextDelta(1, "b"), TextDelta(2, "c"), STARTED, TextDelta(2, "d"))
    got = [event async for event in coalesced(playing(STARTED, *pieces))]
    assert got == [STARTED, TextDelta(1, "ab"), TextDelta(2, "c"), STARTED, TextDelta(2, "d")]


async def test_text_does_not_wait_for_more() -> None:
    """A piece goes out although the next is not there yet."""
    gate = asyncio.Event()
    events = coalesced(playing(TextDelta(1, "a"), gate, TextDelta(1, "b")))
    assert await anext(events) == TextDelta(1, "a")
    gate.set()
    assert await anext(events) == TextDelta(1, "b")
    await events.aclose()


async def test_an_error_comes_after_what_was_ready_before_it() -> None:
    """Nothing that was said is lost, and the error is raised as it is."""
    events = coalesced(playing(STARTED, ValueError("broken")))
    assert await anext(events) == STARTED
    with pytest.raises(ValueError, match="broken"):
        await anext(events)


async def test_closing_stops_what_runs() -> None:
    """Closing cancels the wait inside, and returns when it has ended."""
    stopped = asyncio.Event()

    async def endless() -> AsyncGenerator[Event]:
        try:
            yield STARTED
            await asyncio.Event().wait()
        finally:
            stopped.set()

    events = coalesced(endless())
    await anext(events)
    await events.aclose()
    assert stopped.is_set()


async def test_a_timeout_inside_stays_inside() -> None:
    """A deadline of the producer never cancels whoever reads; it is busy elsewhere when it strikes."""

    async def impatient() -> AsyncGenerator[Event]:
        try:
            async with asyncio.timeout(0.01):
                yield STARTED
                await asyncio.Event().wait()
        except TimeoutError:
            yield TextDelta(1, "timed out")

    events = coalesced(impatient())
    await anext(events)
    await asyncio.sleep(0.03)
    assert await anext(events) == TextDelta(1, "timed out")
    await events.aclose()
