"""Probes and arms on real engines over a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from router.core import Router
from router.events import AttemptStarted
from router.rpc.client import AsyncClient
from tests.e2e.conftest import TIERS, FrontierServer, Heard, broken_off, serving

pytestmark = pytest.mark.engines

PROBES = """{uncalibrated: token_probability, probes: [
    {probe: samples, count: 2, run: always},
    {probe: p_true, run: always},
    {probe: judge, tier: local, run: always}]}"""
ARMED = """
  - name: armed
    ladder: [edge]
    objective: {rule: cascade_routing, value_of_correct_usd: 1, arms: [{tier: edge, samples: 3}]}
"""


@pytest.fixture
async def house(models: Path, frontier: FrontierServer) -> AsyncIterator[tuple[AsyncClient, Router]]:
    """All three tiers with every probe on every answer, and an arm; the edge writes several at once."""
    config = TIERS.format(folder=models, frontier=frontier.url)
    config = config.replace("{uncalibrated: token_probability}", PROBES).replace(
        "concurrency: 1", "concurrency: 4"
    )
    async with serving(config + ARMED) as (client, router):
        yield client, router


async def test_every_probe_is_accounted_for(house: tuple[AsyncClient, Router]) -> None:
    """Samples and verdicts run on the engines that answer; who was asked and what it cost is on the wire."""
    answer = await house[0].generate("the quick brown fox", max_output_tokens=6)
    first = answer.attempts[0]
    assert [(probe.name, probe.tier) for probe in first.probes] == [
        ("samples", "edge"),
        ("p_true", "edge"),
        ("judge", "local"),
    ]
    assert first.probes[0].usage.input_token_count == 2 * first.usage.input_token_count
    assert first.cost_usd_micros > sum(probe.cost_usd_micros for probe in first.probes) > 0
    assert answer.usage.output_token_count > sum(made.usage.output_token_count for made in answer.attempts)


async def test_an_arm_answers(house: tuple[AsyncClient, Router]) -> None:
    """Below the caller's floor the tier is asked three times at once, and the vote is on the account."""
    events = [
        event
        async for event in house[0].stream(
            "the lazy dog", policy="armed", min_confidence=1.0, max_output_tokens=4
        )
    ]
    assert [event.tier for event in events if isinstance(event, AttemptStarted)] == ["edge", "edge@3"]
    answer = await house[0].generate("the lazy dog", policy="armed", min_confidence=1.0, max_output_tokens=4)
    first, arm = answer.attempts
    assert arm.usage.input_token_count == 3 * first.usage.input_token_count
    assert arm.signals["sample_count"] == 2.0


async def test_hanging_up_stops_all_samples(house: tuple[AsyncClient, Router]) -> None:
    """A client that leaves in the middle of a vote frees the engine."""
    client, router = house
    heard = Heard(router)
    async with aclosing(client.stream("the quick", policy="armed", min_confidence=1.0)) as events:
        async for event in events:
            if isinstance(event, AttemptStarted) and event.tier == "edge@3":
                break
        while router.tiers()[0].in_flight_count < 3:
            await asyncio.sleep(0.001)
    await broken_off(router, heard)
