"""Requests that must stay on the machine stay there, whatever fails there."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from router.errors import RoutingError
from router.request import Constraints, Request
from tests.backends.dialects import DIALECTS
from tests.chat_server import serve
from tests.faults.house import end_of, http_tier, request, routing, sound_tier
from tests.faults.provider_faults import FAULTS, says_well

PRIVATE = "local_only"
POLICIES = [
    {
        "name": PRIVATE,
        "match": {"tags": ["pii"]},
        "ladder": ["faulty", "elsewhere"],
        "objective": {"rule": "threshold", "min_confidence": 1.0},
        "constraints": {"local_only": True},
        "hedge": True,
    },
    {
        "name": "default",
        "ladder": ["faulty", "elsewhere"],
        "objective": {"rule": "threshold", "min_confidence": 1.0},
        "hedge": True,
    },
]


def wished() -> Request:
    """A request that asks itself to stay."""
    return replace(request(), constraints=Constraints(local_only=True, policy="default"))


def tagged() -> Request:
    """A request whose tag sends it to a policy that lets nothing out."""
    return replace(request(), constraints=Constraints(), tags=frozenset({"pii"}))


@pytest.mark.parametrize("fault", FAULTS)
async def test_nothing_reaches_a_tier_elsewhere(fault: str) -> None:
    """While the tier here fails in every way, the server elsewhere sees not a byte of such requests.

    It would have been asked: the same request without the constraint reaches it.
    """
    heard: list[str] = []
    async with (
        serve(FAULTS[fault](DIALECTS["openai_chat"])) as here,
        serve(says_well(), heads=heard) as away,
        routing(
            http_tier(here, logprobs=False),
            http_tier(away, name="elsewhere", external=True, logprobs=True),
            policies=POLICIES,
        ) as router,
    ):
        for asked in (wished(), tagged()):
            assert isinstance(await end_of(router, asked), RoutingError)
        assert heard == []
        free = replace(request(), constraints=Constraints(policy="default"))
        assert not isinstance(await end_of(router, free), RoutingError)
        assert len(heard) == 1


async def test_an_overloaded_tier_here_lets_nothing_out() -> None:
    """A queue that is full turns such requests away; it does not send them up."""
    heard: list[str] = []
    busy = sound_tier("faulty", first_token_delay_s=5.0) | {"limits": {"concurrency": 1, "queue": 0}}
    async with (
        serve(says_well(), heads=heard) as away,
        routing(
            busy, http_tier(away, name="elsewhere", external=True, logprobs=True), policies=POLICIES
        ) as router,
    ):
        running = asyncio.create_task(end_of(router, wished()))
        async with asyncio.timeout(60.0):
            while not any(one.in_flight_count for one in router.tiers()):
                await asyncio.sleep(0)
        error = await end_of(router, tagged())
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert isinstance(error, RoutingError)
    assert error.reason == "QUEUE_FULL"
    assert heard == []
