"""kill -9 while journal and ledger are written, over and over: whether they are whole and keep their word."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import grpc
from upshift.v1 import router_pb2

from router.journal import read_journal
from router.rpc.client.question import Options, asking
from tests.bench.overload.asking import QUESTION, TIMEOUT_S, Asker, asker
from tests.bench.overload.money import MAX_OUTPUT_TOKEN_COUNT, Money, settled
from tests.bench.overload.server import TENANT, Server

_CALLER_COUNT = 8
# By answers, not by the clock: a busy machine would be killed before it wrote anything.
_MOST_ANSWER_COUNT = 100
_MOST_LATER_S = 0.02
_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Killed:
    """What was found after each kill, summed.

    ``broken_count``: journals that SQLite calls damaged, or that cannot be read. ``forgotten_count``: scores
    that the server had acknowledged, and that are not there. ``money`` is the ledger's.
    """

    kill_count: int
    entry_count: int
    acknowledged_count: int
    broken_count: int
    forgotten_count: int
    money: Money


@dataclass(slots=True)
class _Told:
    """What callers were told: scores that were taken, what answers cost; and calls that nobody answered."""

    scored: set[str] = field(default_factory=set)
    cost_usd_micros: int = 0
    unanswered_count: int = 0
    answers: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    async def answered(self, count: int) -> None:
        """Wait for so many answers. Raises TimeoutError where they do not come."""
        async with asyncio.timeout(_PATIENCE_S):
            for _ in range(count):
                await self.answers.acquire()


async def kill(server: Server, count: int, progress: Callable[[], None]) -> Killed:
    """Start ``server``, load it and kill it, ``count`` times on the same journal and ledger."""
    chance = random.Random(9)
    scored: set[str] = set()
    money = Money()
    broken_count = forgotten_count = 0
    before, _ = await settled(server.folder)
    for _ in range(count):
        await asyncio.to_thread(server.start)
        told = _Told()
        async with asker(server.address) as one:
            callers = [asyncio.create_task(_score(one, told)) for _ in range(_CALLER_COUNT)]
            await told.answered(chance.randint(1, _MOST_ANSWER_COUNT))
            await asyncio.sleep(chance.uniform(0.0, _MOST_LATER_S))
            server.kill()
            await asyncio.gather(*callers)
        await asyncio.to_thread(server.wait)
        scored |= told.scored
        kept = _kept(server.folder / "journal.sqlite")
        broken_count += kept is None
        forgotten_count = len(scored - (kept or set()))
        spent, held = await settled(server.folder)
        money.add(told.cost_usd_micros, told.unanswered_count, spent - before, held)
        before = spent
        progress()
    entry_count = len(list(read_journal(server.folder / "journal.sqlite")))
    return Killed(count, entry_count, len(scored), broken_count, forgotten_count, money)


async def _score(one: Asker, told: _Told) -> None:
    """Ask and score until the server is gone."""
    options: Options = {"tenant": TENANT, "max_output_tokens": MAX_OUTPUT_TOKEN_COUNT}
    message = asking(router_pb2.GenerateRequest, QUESTION, options)
    while True:
        try:
            answer = await one.stub.Generate(message, timeout=TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            told.unanswered_count += error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED
            if error.code() is grpc.StatusCode.UNAVAILABLE:
                return
            continue
        told.cost_usd_micros += answer.result.cost_usd_micros
        told.answers.release()
        request_id = answer.result.request_id
        score = router_pb2.SubmitFeedbackRequest(request_id=request_id, score=1.0, source="bench")
        try:
            await one.stub.SubmitFeedback(score, timeout=TIMEOUT_S)
            told.scored.add(request_id)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.UNAVAILABLE:
                return


def _kept(path: Path) -> set[str] | None:
    """Requests whose scores are in the journal; None where it is damaged."""
    try:
        with closing(sqlite3.connect(path)) as connection:
            if connection.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                return None
        return {record.request_id for record in read_journal(path) if record.feedback}
    except sqlite3.Error:
        return None
