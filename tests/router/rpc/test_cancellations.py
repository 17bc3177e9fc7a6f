"""Callers that leave at any point leave nothing behind: no task, no place, no thread, no waiting entry."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from router.build import build
from router.config import parse
from router.journal import read_journal
from router.rpc.client import AsyncClient
from router.rpc.server import RouterServer

CONFIG = """
version: 1
server:
  listen: 127.0.0.1:0
journal:
  path: {path}
confidence:
  uncalibrated: token_probability
tiers:
  - name: edge
    backend: echo
    options: {{reply: one two three four, logprob: -3.0, token_delay_s: 0.002, first_token_delay_s: 0.002}}
    limits: {{concurrency: 4, queue: 300}}
  - name: frontier
    backend: echo
    options: {{reply: the better answer at last, token_delay_s: 0.002}}
    price: {{input_usd_per_million_tokens: 3, output_usd_per_million_tokens: 15}}
    limits: {{concurrency: 4, queue: 300}}
policies:
  - name: default
    ladder: [edge, frontier]
    objective: {{rule: threshold}}
    constraints: {{min_confidence: 0.5}}
"""
COUNT = 200


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal lies."""
    return tmp_path / "journal.sqlite"


@pytest.fixture
async def client(path: Path) -> AsyncIterator[AsyncClient]:
    """A client of a real router over two slow echo tiers that few may enter at once."""
    config = parse(CONFIG.format(path=path))
    async with (
        RouterServer(config.server, build(config)) as server,
        AsyncClient(await server.start()) as client,
    ):
        yield client


def ours() -> set[asyncio.Task[Any]]:
    """Tasks that run code of the service, those of clients apart."""
    return {task for task in asyncio.all_tasks() if _is_ours(task)}


def _is_ours(task: asyncio.Task[Any]) -> bool:
    code = getattr(task.get_coro(), "cr_code", None)
    return (
        code is not None
        and any(part in code.co_filename for part in ("/router/", "/backends/"))
        and ("/tests/" not in code.co_filename and "/client/" not in code.co_filename)
    )


async def leave(client: AsyncClient, chance: random.Random) -> None:
    """Ask in either way, and leave after a random time or number of events."""
    if chance.random() < 0.5:
        asking = asyncio.create_task(client.generate("hi", timeout_s=30.0))
        await asyncio.sleep(chance.uniform(0.0, 0.4))
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        return
    async with aclosing(client.stream("hi", timeout_s=30.0, allow_retraction=True)) as events:
        left = chance.randrange(1, 14)
        async for _ in events:
            left -= 1
            if left == 0:
                break


async def test_many_random_cancellations_leave_nothing_behind(client: AsyncClient, path: Path) -> None:
    """After 200 callers have left at random, every place and task is free, and the router still answers."""
    await client.generate("warm up")
    tasks, threads = ours(), threading.active_count()
    chance = random.Random(20)
    await asyncio.gather(*(leave(client, chance) for _ in range(COUNT)))
    async with asyncio.timeout(60.0):
        while any(tier.in_flight_count or tier.queued_count for tier in await client.list_tiers()):
            await asyncio.sleep(0.01)
        while ours() - tasks or threading.active_count() > threads:
            await asyncio.sleep(0.01)
    answer = await client.generate("hi")
    assert (answer.tier, answer.text) == ("frontier", "the better answer at last")
    await client.submit_feedback(answer.request_id, 1.0)
    reasons = [record.error_reason for record in read_journal(path)]
    assert set(reasons) <= {None, "CANCELLED"}
    assert reasons.count("CANCELLED") > COUNT / 4
