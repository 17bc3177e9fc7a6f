"""kill -9 while the journal is written, over and over: whether it is whole, and whether it kept its word."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import grpc
from upshift.v1 import router_pb2

from router.journal import read_journal
from router.rpc.client.question import asking
from tests.bench.overload.asking import QUESTION, TIMEOUT_S, Asker, asker
from tests.bench.overload.server import Server

_CALLER_COUNT = 8


@dataclass(frozen=True, slots=True)
class Killed:
    """What was found after each kill, summed.

    ``broken_count``: journals that SQLite calls damaged, or that cannot be read. ``forgotten_count``: scores
    that the server had acknowledged, and that are not there.
    """

    kill_count: int
    entry_count: int
    acknowledged_count: int
    broken_count: int
    forgotten_count: int


async def kill(server: Server, count: int, progress: Callable[[], None]) -> Killed:
    """Start ``server``, load it and kill it, ``count`` times on the same journal."""
    chance = random.Random(9)
    acknowledged: set[str] = set()
    broken_count = forgotten_count = 0
    for _ in range(count):
        await asyncio.to_thread(server.start)
        async with asker(server.address) as one:
            callers = [asyncio.create_task(_score(one, acknowledged)) for _ in range(_CALLER_COUNT)]
            await asyncio.sleep(chance.uniform(0.05, 0.6))
            server.kill()
            await asyncio.gather(*callers)
        await asyncio.to_thread(server.wait)
        kept = _kept(server.folder / "journal.sqlite")
        broken_count += kept is None
        forgotten_count = len(acknowledged - (kept or set()))
        progress()
    entry_count = len(list(read_journal(server.folder / "journal.sqlite")))
    return Killed(count, entry_count, len(acknowledged), broken_count, forgotten_count)


async def _score(one: Asker, acknowledged: set[str]) -> None:
    """Ask and score until the server is gone."""
    message = asking(router_pb2.GenerateRequest, QUESTION, {})
    while True:
        try:
            answer = await one.stub.Generate(message, timeout=TIMEOUT_S)
            request_id = answer.result.request_id
            score = router_pb2.SubmitFeedbackRequest(request_id=request_id, score=1.0, source="bench")
            await one.stub.SubmitFeedback(score, timeout=TIMEOUT_S)
            acknowledged.add(request_id)
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
