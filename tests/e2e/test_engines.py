"""Cancellation, deadlines, retraction and crashes, on real engines over a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import grpc
import pytest

from router.core import Router
from router.events import AttemptRejected, AttemptStarted, Decided, Outcome, TextDelta
from router.rpc.client import Answer, AsyncClient, UpshiftError
from tests.e2e.conftest import TIERS, FrontierServer, Heard, broken_off, serving

pytestmark = pytest.mark.engines

TIER_NAMES = ("edge", "local", "frontier")


@pytest.fixture
async def house(models: Path, frontier: FrontierServer) -> AsyncIterator[tuple[AsyncClient, Router]]:
    """All three tiers, served."""
    async with serving(TIERS.format(folder=models, frontier=frontier.url)) as (client, router):
        yield client, router


@pytest.mark.parametrize("tier", TIER_NAMES)
async def test_every_tier_answers(house: tuple[AsyncClient, Router], tier: str) -> None:
    """Each engine answers over the wire, with its tokens counted and paid for."""
    answer = await house[0].generate("the quick brown fox", policy=f"always_{tier}", max_output_tokens=8)
    assert (answer.tier, answer.finish_reason) == (tier, "length")
    assert answer.usage.output_token_count > 0
    assert answer.cost_usd > 0
    assert answer.confidence is not None
    assert 0.0 < answer.confidence < 1.0


async def test_the_stream_tells_the_whole_way(house: tuple[AsyncClient, Router]) -> None:
    """Decision first, each unsure tier started and rejected in turn, one answer last."""
    events = [event async for event in house[0].stream("the lazy dog", max_output_tokens=4)]
    assert isinstance(events[0], Decided)
    assert [event.tier for event in events if isinstance(event, AttemptStarted)] == list(TIER_NAMES)
    assert [event.number for event in events if isinstance(event, AttemptRejected)] == [1, 2]
    assert isinstance(events[-1], Answer)
    shown = "".join(event.text for event in events if isinstance(event, TextDelta) and event.number == 3)
    assert shown == events[-1].text


async def test_retraction_shows_text_early_and_voids_it(house: tuple[AsyncClient, Router]) -> None:
    """With leave, rejected attempts stream too, and each is voided before the next begins."""
    stream = house[0].stream("the lazy dog", max_output_tokens=4, allow_retraction=True)
    events = [event async for event in stream]
    assert {event.number for event in events if isinstance(event, TextDelta)} == {1, 2, 3}


@pytest.mark.parametrize("tier", TIER_NAMES)
async def test_cancelling_stops_the_model(house: tuple[AsyncClient, Router], tier: str) -> None:
    """A client that hangs up in the middle frees the engine, and the next request is served."""
    client, router = house
    heard = Heard(router)
    async with aclosing(client.stream("the quick", policy=f"always_{tier}")) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                break
    await broken_off(router, heard)
    answer = await client.generate("the quick", policy=f"always_{tier}", max_output_tokens=1)
    assert answer.finish_reason == "length"


@pytest.mark.parametrize("tier", TIER_NAMES)
async def test_a_deadline_ends_the_model(house: tuple[AsyncClient, Router], tier: str) -> None:
    """A request past its deadline fails typed and leaves nothing running."""
    client, router = house
    heard = Heard(router)
    with pytest.raises(UpshiftError) as caught:
        await client.generate("the quick", policy=f"always_{tier}", timeout_s=0.05)
    assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
    await broken_off(router, heard)


async def test_a_frontier_killed_in_mid_stream_falls_back(
    models: Path, mortal_frontier: FrontierServer
) -> None:
    """When the frontier's process dies while it writes, its text is voided and an earlier answer given."""
    config = TIERS.format(folder=models, frontier=mortal_frontier.url)
    async with serving(config) as (client, _):
        events = []
        async for event in client.stream("the quick", max_output_tokens=500):
            events.append(event)
            if isinstance(event, TextDelta) and event.number == 3:
                mortal_frontier.kill()
    answer = events[-1]
    assert isinstance(answer, Answer)
    assert answer.tier in {"edge", "local"}
    assert (answer.attempts[2].outcome, answer.attempts[2].reason) == (Outcome.FAILED, "unavailable")
    assert answer.attempts[2].cost_usd_micros > 0, "what was spent until then is booked"


async def test_a_dead_frontier_is_a_typed_error(models: Path, mortal_frontier: FrontierServer) -> None:
    """A request that only the dead tier may answer is told UNAVAILABLE, with when to come back."""
    config = TIERS.format(folder=models, frontier=mortal_frontier.url)
    async with serving(config) as (client, _):
        mortal_frontier.kill()
        with pytest.raises(UpshiftError) as caught:
            await client.generate("the quick", policy="always_frontier", timeout_s=5)
    assert (caught.value.code, caught.value.reason) == (grpc.StatusCode.UNAVAILABLE, "NO_TIER_READY")
    assert caught.value.retry_after_s is not None


async def test_concurrent_requests_each_get_their_own_answer(house: tuple[AsyncClient, Router]) -> None:
    """Requests that share a tier wait for their turn and do not mix."""
    import asyncio

    client, _ = house
    prompts = ["the quick", "brown fox", "lazy dog", "jumps over"]
    alone = [(await client.generate(p, policy="always_edge", max_output_tokens=12)).text for p in prompts]
    jobs = [client.generate(p, policy="always_edge", max_output_tokens=12) for p in prompts]
    together = [answer.text for answer in await asyncio.gather(*jobs)]
    assert together == alone
