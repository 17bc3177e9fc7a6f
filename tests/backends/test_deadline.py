"""Waiting for a stream until a point in time."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from backends.deadline import deadline_after, until


async def numbers(closed: list[bool]) -> AsyncGenerator[int]:
    """0, 1, and then nothing for ever."""
    try:
        yield 0
        yield 1
        await asyncio.Event().wait()
    finally:
        closed.append(True)


async def test_breaks_the_wait_and_closes_the_stream() -> None:
    """At the deadline the wait ends with TimeoutError, and what was waited for is closed."""
    closed: list[bool] = []
    stream = until(numbers(closed), deadline_after(0.01))
    assert [await anext(stream), await anext(stream)] == [0, 1]
    with pytest.raises(TimeoutError):
        await anext(stream)
    assert closed == [True]


async def test_never_cancels_the_consumer() -> None:
    """A consumer that is busy when the deadline passes learns of it at its next step."""
    stream = until(numbers([]), deadline_after(0.01))
    assert await anext(stream) == 0
    await asyncio.sleep(0.02)
    with pytest.raises(TimeoutError):
        await anext(stream)


async def test_sees_a_deadline_that_is_past_without_waiting() -> None:
    """A stream that always has an item ready is ended as well."""
    with pytest.raises(TimeoutError):
        await anext(until(numbers([]), deadline_after(0.0)))


async def test_closing_it_closes_the_stream() -> None:
    """A consumer that leaves early leaves nothing open."""
    closed: list[bool] = []
    stream = until(numbers(closed), None)
    await anext(stream)
    await stream.aclose()
    assert closed == [True]
