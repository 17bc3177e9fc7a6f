"""A real router over a tier that is faulty and one that is sound, and how its requests end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any

import yaml

from backends.types import Message, Prompt, Role
from router.build import build
from router.config import parse
from router.core import Router
from router.errors import RoutingError
from router.events import Event, Result, TextDelta
from router.request import Request

DEADLINE_S = 3.0
SOUND = "the sound answer"
# Beyond the deadline: for what a backend may take longer than it was given, and for a busy machine.
_SLACK_S = 2.0

FAST = {"retries": {"base_wait_s": 0.01}, "breaker": {"open_s": 0.05}}


def tier(name: str, backend: str, **changes: Any) -> dict[str, Any]:
    """A tier that gives up soon."""
    limits = {"typical_latency_s": 0.02, "timeout_s": 0.4}
    return {"name": name, "backend": backend, "limits": limits, "resilience": FAST} | changes


def http_tier(
    url: str, *, backend: str = "openai_chat", name: str = "faulty", **options: Any
) -> dict[str, Any]:
    """A tier over HTTP that does not look before it leaps."""
    told = {
        "base_url": url,
        "model": "m",
        "start_check": False,
        "read_timeout_s": 0.1,
        "connect_timeout_s": 0.5,
    }
    return tier(name, backend, options=told | options)


def sound_tier(name: str = "sound", **options: Any) -> dict[str, Any]:
    """A tier that always answers, and is the dearest."""
    price = {"input_usd_per_million_tokens": 5, "output_usd_per_million_tokens": 20}
    return tier(name, "echo", options={"reply": SOUND} | options, price=price)


@asynccontextmanager
async def routing(*tiers: dict[str, Any], **sections: Any) -> AsyncIterator[Router]:
    """A started router. Its policies: ``default`` climbs all tiers, ``first`` asks the first one alone."""
    names = [one["name"] for one in tiers]
    policies = [
        {"name": "default", "ladder": names, "objective": {"rule": "threshold", "min_confidence": 0.5}},
        {"name": "first", "ladder": names[:1], "objective": {"rule": "fixed", "tier": names[0]}},
    ]
    whole = {"version": 1, "tiers": list(tiers), "policies": policies}
    whole["confidence"] = {"uncalibrated": "token_probability"}
    router = build(parse(yaml.safe_dump(whole | sections)))
    try:
        await router.start()
        yield router
    finally:
        await router.close()


def request(text: str = "a question", *, policy: str = "default", **changes: Any) -> Request:
    """A request with a deadline."""
    asked = Request("r", Prompt((Message(Role.USER, text),)), timeout_s=DEADLINE_S)
    return replace(asked, constraints=replace(asked.constraints, policy=policy), **changes)


async def end_of(router: Router, asked: Request) -> Result | RoutingError:
    """The result of a request, or its typed error; anything else, or nothing in time, fails the test.

    The text that was shown and not voided must be the answer.
    """
    events: list[Event] = []
    try:
        async with asyncio.timeout((asked.timeout_s or 0.0) + _SLACK_S):
            async with aclosing(router.run(asked)) as stream:
                async for event in stream:
                    events.append(event)  # noqa: PERF401  what came before an error counts
    except RoutingError as error:
        return error
    result = events[-1]
    assert isinstance(result, Result)
    shown = [
        event.text
        for event in events
        if isinstance(event, TextDelta) and event.number == result.attempt_number
    ]
    assert "".join(shown) == result.text
    return result


async def answer_of(router: Router, asked: Request) -> Result:
    """The result of a request that must have one."""
    result = await end_of(router, asked)
    assert isinstance(result, Result), f"no answer: {result}"
    return result
