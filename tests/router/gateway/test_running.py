"""Several runs beside each other: they end together, whoever ends them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from backends.types import Message, Prompt, Role
from router.errors import NoTierReady
from router.events import AttemptStarted, Event
from router.gateway.house import House, Limits
from router.gateway.running import events_of
from router.request import Request
from router.rpc.places import Places
from tests.router.rpc.scripted_router import DECIDED, ScriptedRouter, failing

ASKED = tuple(Request(name, Prompt((Message(Role.USER, "hi"),))) for name in ("a", "b"))


def house(core: ScriptedRouter) -> House:
    return House(core, Limits(1024, 1024, 1.0), Places())


async def endless(router: ScriptedRouter, _: Request) -> AsyncGenerator[Event]:
    """Tell of attempts for ever."""
    try:
        yield DECIDED
        number = 0
        while True:
            number += 1
            yield AttemptStarted(number, "edge", "again")
            await asyncio.sleep(0)
    finally:
        router.stopped.set()


async def test_who_stops_listening_stops_all() -> None:
    """Also while more was told than has been heard."""
    core = ScriptedRouter(endless)
    async with asyncio.timeout(30):
        async with aclosing(events_of(ASKED, house(core))) as events:
            await anext(events)
            for _ in range(50):
                await asyncio.sleep(0)
        await core.stopped.wait()


async def test_one_that_fails_ends_all_with_its_own_error() -> None:
    """The caller gets what went wrong, and not a group of it."""
    core = ScriptedRouter(failing(NoTierReady("down")))
    async with asyncio.timeout(30):
        with pytest.raises(NoTierReady, match="down"):
            [event async for event in events_of(ASKED, house(core))]
