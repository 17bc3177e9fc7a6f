"""Several servers, one budget: real processes, many requests at once, one of them killed."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from router.errors import BudgetExhausted
from router.ledger.base import Ledger, Statement
from router.ledger.calendar import day_of
from router.ledger.postgresql import PostgresqlLedger
from router.ledger.recovery import settle_left_books
from router.ledger.sqlite import SqliteLedger
from router.rpc.client import AsyncClient, StreamEvent, TextDelta, UpshiftError
from tests.router.ledger.conftest import emptied, postgresql

__all__ = ["postgresql"]  # the fixture

CONFIG = """
version: 1
server: {{listen: "127.0.0.1:0", max_concurrent_requests: 1000}}
ledger: {ledger}
tenants: [{{name: acme, budget: {{usd_per_day: {budget_usd}}}}}]
tiers:
  - name: edge
    backend: echo
    options: {{token_delay_s: {delay_s}}}
    price: {{input_usd_per_million_tokens: 1, output_usd_per_million_tokens: 1}}
    limits: {{concurrency: 1000}}
policies: [{{name: default, ladder: [edge], objective: {{rule: threshold}}}}]
"""
WORD_COUNT = 10
LIMIT = 30
SLOW_WORD_COUNT = 100
WORST = WORD_COUNT + LIMIT
"""Millionths of a dollar that are reserved for a request; half of it is spent."""


class Servers:
    """Processes of ``upshift serve`` over one configuration, and a client for each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[asyncio.subprocess.Process] = []
        self.clients: list[AsyncClient] = []

    async def stop(self) -> None:
        """Let those that still run drain and end."""
        running = [process for process in self.processes if process.returncode is None]
        for process in running:
            process.send_signal(signal.SIGTERM)
        assert [await asyncio.wait_for(process.wait(), 60) for process in running] == [0] * len(running)


@asynccontextmanager
async def served(folder: Path, count: int, **settings: object) -> AsyncIterator[Servers]:
    """Serve from ``count`` processes."""
    (folder / "upshift.yaml").write_text(CONFIG.format(**settings))
    command = (sys.executable, "-m", "router.cli", "serve", str(folder / "upshift.yaml"), "--json")
    servers = Servers(folder)
    async with AsyncExitStack() as stack:
        for _ in range(count):
            process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
            servers.processes.append(process)
            stack.callback(_kill, process)
        for process in servers.processes:
            assert process.stdout is not None
            address = json.loads(await asyncio.wait_for(process.stdout.readline(), 60))["address"]
            servers.clients.append(await stack.enter_async_context(AsyncClient(address)))
        yield servers


def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()


@pytest.fixture(params=["sqlite", "postgresql"])
async def shared(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Ledger]:
    """A ledger, as the configuration names it and as the test reads it."""
    if request.param == "sqlite":
        return "{path: ledger.sqlite}", SqliteLedger(tmp_path / "ledger.sqlite")
    url = request.getfixturevalue("postgresql")
    await emptied(url)
    return f'{{url: "{url}", books: books}}', PostgresqlLedger(url)


@dataclass(frozen=True, slots=True)
class Told:
    """What came of a request: its cost in millionths of a dollar, or when to come back."""

    cost_usd_micros: int = 0
    retry_after_s: float = 0.0


async def ask(client: AsyncClient) -> Told:
    """Answered, or refused for want of money; nothing else may happen."""
    try:
        answer = await client.generate(
            " ".join(["word"] * WORD_COUNT), tenant="acme", max_output_tokens=LIMIT
        )
    except UpshiftError as error:
        if error.reason != BudgetExhausted.reason or error.retry_after_s is None:
            raise
        return Told(retry_after_s=error.retry_after_s)
    return Told(round(answer.cost_usd * 1e6))


async def standing(ledger: Ledger) -> Statement:
    await ledger.open()
    try:
        (statement,) = await ledger.statements(day_of(time.time()))
        return statement
    finally:
        await ledger.close()


async def used_up(client: AsyncClient) -> int:
    """Ask until the day's money is spent, coming back when told to; what that cost."""
    total = 0
    async with asyncio.timeout(60):
        while (told := await ask(client)).retry_after_s <= 1.0:
            total += told.cost_usd_micros
            await asyncio.sleep(told.retry_after_s)
    return total


@pytest.mark.parametrize("request_count", [200])
async def test_three_servers_spend_one_budget(
    shared: tuple[str, Ledger], tmp_path: Path, request_count: int
) -> None:
    """With 200 requests at a time nothing is overspent, and it can be used up to the last reservation."""
    ledger_config, ledger = shared
    budget = 150 * 2 * WORD_COUNT + 7
    settings = {"ledger": ledger_config, "budget_usd": budget / 1e6, "delay_s": 0.005}
    async with served(tmp_path, 3, **settings) as servers:
        total = 0
        for _ in range(2):
            askers = (ask(servers.clients[number % 3]) for number in range(request_count))
            total += sum(told.cost_usd_micros for told in await asyncio.gather(*askers))
        assert 0 < total <= budget
        total += await used_up(servers.clients[0])
        assert budget - WORST <= total <= budget
        await servers.stop()
    statement = await standing(ledger)
    assert (statement.spent_today_usd_micros, statement.held_today_usd_micros) == (total, 0)


async def test_a_killed_server_loses_no_money_and_makes_none(
    shared: tuple[str, Ledger], tmp_path: Path
) -> None:
    """What it had answered counts at its cost, what was under way at its worst, each once."""
    ledger_config, ledger = shared
    settings = {"ledger": ledger_config, "budget_usd": 1.0, "delay_s": 0.05}
    async with served(tmp_path, 2, **settings) as servers:
        victim, survivor = servers.clients
        answered = [
            await victim.generate("one", tenant="acme"),
            await survivor.generate("one", tenant="acme"),
        ]
        assert [answer.cost_usd for answer in answered] == [2e-6, 2e-6]
        streams = await asyncio.gather(*(begun(victim) for _ in range(20)))
        servers.processes[0].kill()
        await servers.processes[0].wait()
        for stream in streams:
            with pytest.raises(UpshiftError):
                async for _ in stream:
                    pass
        await servers.stop()
    # Had the survivor not found the book by then, whoever starts next would.
    books = tmp_path / ("ledger.sqlite-books" if isinstance(ledger, SqliteLedger) else "books")
    await ledger.open()
    await settle_left_books(books, ledger)
    statement = await standing(ledger)
    worst = 20 * (SLOW_WORD_COUNT + SLOW_WORD_COUNT)
    assert (statement.spent_today_usd_micros, statement.held_today_usd_micros) == (2 + 2 + worst, 0)


async def begun(client: AsyncClient) -> AsyncGenerator[StreamEvent]:
    """A stream that takes 5 seconds, of which some text has come."""
    text = " ".join(["word"] * SLOW_WORD_COUNT)
    stream = client.stream(text, tenant="acme", max_output_tokens=SLOW_WORD_COUNT)
    async for event in stream:
        if isinstance(event, TextDelta):
            return stream
    raise AssertionError("no text came")
