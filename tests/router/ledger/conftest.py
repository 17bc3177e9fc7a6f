"""Ledgers of every kind, and treasuries over them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from router.ledger.base import Ledger
from router.ledger.postgresql import PostgresqlLedger
from router.ledger.sqlite import SqliteLedger
from router.ledger.treasury import Treasury
from tests.router.ledger import postgres_server
from tests.router.ledger.clock import Clock, at

NewLedger = Callable[[], Ledger]
NewTreasury = Callable[..., Awaitable[Treasury]]


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """Address of a PostgreSQL server."""
    programs = postgres_server.binaries()
    if programs is None:
        pytest.skip("PostgreSQL is not installed here; Debian: apt-get install postgresql")
    with postgres_server.running(programs) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
async def new_ledger(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[NewLedger]:
    """Give one more connection to the same ledger, as another process has; it is closed with the test."""
    make: Callable[[], Ledger]
    if request.param == "sqlite":
        make = lambda: SqliteLedger(tmp_path / "ledger.sqlite")  # noqa: E731
    else:
        url = request.getfixturevalue("postgresql")
        await emptied(url)
        make = lambda: PostgresqlLedger(url)  # noqa: E731
    async with AsyncExitStack() as stack:

        def new() -> Ledger:
            ledger = make()
            stack.push_async_callback(ledger.close)
            return ledger

        yield new


async def emptied(url: str) -> None:
    """Leave nothing of earlier tests."""
    import asyncpg

    connection = await asyncpg.connect(url)
    await connection.execute("DROP TABLE IF EXISTS upshift_claims, upshift_books, upshift_spending")
    await connection.close()


@pytest.fixture
def clock() -> Clock:
    """A morning in November."""
    return Clock(at("2026-11-27 09:30"))


@pytest.fixture
def timer() -> Clock:
    """A timer that stands still."""
    return Clock()


@pytest.fixture
async def new_treasury(tmp_path: Path, clock: Clock, timer: Clock) -> AsyncIterator[NewTreasury]:
    """Start treasuries as processes of one machine have them; they are closed with the test."""
    async with AsyncExitStack() as stack:

        async def start(ledger: Ledger | None = None) -> Treasury:
            shared = ledger or SqliteLedger(tmp_path / "ledger.sqlite")
            treasury = Treasury(shared, tmp_path / "books", clock, timer)
            stack.push_async_callback(treasury.close)
            await treasury.start()
            return treasury

        yield start
