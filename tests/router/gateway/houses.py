"""Scripts of the router for clients of the gateway: it talks, it calls a tool, it gives an object."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace

from backends.tools import ToolCall
from backends.types import FinishReason
from router.events import Event, TextDelta
from router.request import Request
from tests.router.rpc.scripted_router import DECIDED, STARTED, ScriptedRouter, result

CITY = '{"name": "Bern", "people": 134000}'


async def talking(_: ScriptedRouter, request: Request) -> AsyncGenerator[Event]:
    """Say the last message, in two pieces, and nothing else."""
    text = request.prompt.messages[-1].content
    yield DECIDED
    yield STARTED
    yield TextDelta(1, text[:1])
    yield TextDelta(1, text[1:])
    yield replace(result(request, text), tool_calls=(), tokens=(), reasoning="")


async def calling(_: ScriptedRouter, request: Request) -> AsyncGenerator[Event]:
    """Call a tool and say nothing."""
    yield DECIDED
    yield STARTED
    calls = (ToolCall("call-1", "weather", '{"city": "Bern"}'),)
    yield replace(
        result(request, ""), tool_calls=calls, tokens=(), reasoning="", finish_reason=FinishReason.TOOL_CALLS
    )


async def structured(_: ScriptedRouter, request: Request) -> AsyncGenerator[Event]:
    """Give a city as JSON."""
    yield DECIDED
    yield STARTED
    yield TextDelta(1, CITY)
    yield replace(result(request, CITY), tool_calls=(), tokens=(), reasoning="")
