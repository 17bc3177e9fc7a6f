"""Runs of the core for one HTTP request: one, or several at once for several answers.

Decides how they run beside each other: when one fails or the caller leaves, all are stopped. Refuses to
know in which shape they are told.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from router.events import Decided, Event, Result
from router.gateway.house import House
from router.request import Request
from router.rpc.coalesce import coalesced
from router.rpc.rules import Asking
from router.rpc.seam import Call
from router.rpc.wire import core_request


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer, and the first decision on the way to it."""

    decided: Decided
    result: Result


def requests(asked: Sequence[Asking], call: Call, house: House) -> tuple[Request, ...]:
    """Check what is asked, and name each request of several apart. Raises RoutingError."""
    known = house.known()
    return tuple(core_request(message, _named(call, place), known) for place, message in enumerate(asked))


def _named(call: Call, place: int) -> Call:
    return call if place == 0 else replace(call, request_id=f"{call.request_id}-{place}")


async def answers(asked: Sequence[Request], house: House) -> tuple[Answered, ...]:
    """Answer all at once. Raises RoutingError."""
    if len(asked) == 1:
        return (await _answered(asked[0], house),)
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_answered(request, house)) for request in asked]
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return tuple(task.result() for task in tasks)


async def _answered(request: Request, house: House) -> Answered:
    decided: Decided | None = None
    event: Event | None = None
    async with aclosing(house.core.run(request)) as events:
        async for event in events:
            if decided is None and isinstance(event, Decided):
                decided = event
    if decided is None or not isinstance(event, Result):
        raise RuntimeError("the router's events ended without a result")
    return Answered(decided, event)


async def events_of(asked: Sequence[Request], house: House) -> AsyncGenerator[tuple[int, Event]]:
    """What happens to all of them, each event with its request's place. Closing it stops all."""
    if len(asked) == 1:
        async with aclosing(coalesced(house.core.run(asked[0]))) as events:
            async for event in events:
                yield 0, event
        return
    told: asyncio.Queue[tuple[int, Event] | None] = asyncio.Queue(maxsize=len(asked))
    pump = asyncio.create_task(_pump_all(asked, house, told))
    try:
        while (item := await told.get()) is not None:
            yield item
        await pump
    finally:
        pump.cancel()
        await asyncio.gather(pump, return_exceptions=True)


async def _pump_all(
    asked: Sequence[Request], house: House, told: asyncio.Queue[tuple[int, Event] | None]
) -> None:
    async def pump(place: int, request: Request) -> None:
        async with aclosing(coalesced(house.core.run(request))) as events:
            async for event in events:
                await told.put((place, event))

    failure: Exception | None = None
    try:
        async with asyncio.TaskGroup() as group:
            for place, request in enumerate(asked):
                group.create_task(pump(place, request))
    except ExceptionGroup as failed:
        failure = failed.exceptions[0]
    # Not where it is cancelled: then nobody listens any more, and a full queue would hold it for ever.
    await told.put(None)
    if failure is not None:
        raise failure
