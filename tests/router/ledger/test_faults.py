"""Ledgers and treasuries under faults: a full disk, a busy file, a database that goes away, and all mixed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from contextlib import AsyncExitStack, suppress
from datetime import date
from pathlib import Path

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.errors import BudgetExhausted, LedgerUnavailable
from router.ledger.base import Ceiling, Claim, LedgerError, LedgerUnfit
from router.ledger.calendar import day_of
from router.ledger.postgresql import PostgresqlLedger
from router.ledger.recovery import settle_left_books
from router.ledger.sqlite import SqliteLedger
from router.ledger.till import Reservation
from router.ledger.treasury import Treasury
from router.tenants.file_lock import FileLock
from tests.router.ledger.clock import Clock, at
from tests.router.ledger.faulty import FaultyLedger

TODAY = date(2026, 11, 27)


@pytest.mark.skipif(sys.platform == "win32", reason="limits of files are POSIX's")
@pytest.mark.parametrize("file_byte_count", [2_000, 40_000])
async def test_a_full_disk_stops_service_until_there_is_room(tmp_path: Path, file_byte_count: int) -> None:
    """Where the book or the ledger cannot grow it is said, nothing is lost, and service resumes."""
    command = [sys.executable, "-m", "tests.router.ledger.full_disk", str(tmp_path), str(file_byte_count)]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    count, _, said = done.stdout.partition(" ")
    assert "cannot be" in said
    ledger = SqliteLedger(tmp_path / "ledger.sqlite")
    (statement,) = await ledger.statements(day_of(time.time()))
    await ledger.close()
    assert (statement.spent_today_usd_micros, statement.held_today_usd_micros) == (int(count) + 10, 0)


async def test_a_busy_file_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits too long for its turn hears why."""
    monkeypatch.setattr("router.ledger.sqlite_store._BUSY_TIMEOUT_S", 0.01)
    ledger = SqliteLedger(tmp_path / "ledger.sqlite")
    await ledger.open()
    lock = FileLock(tmp_path / "ledger.sqlite-lock")
    assert lock.try_acquire()
    with pytest.raises(LedgerError, match=r"another process has held .* for 0\.01 s"):
        await ledger.begin("a", TODAY)
    lock.release()
    await ledger.begin("a", TODAY)
    await ledger.close()


async def test_a_newer_ledger_is_left_alone(tmp_path: Path) -> None:
    """An older program must not write into it."""
    ledger = SqliteLedger(tmp_path / "ledger.sqlite")
    await ledger.open()
    connection = ledger._store._connection
    assert connection is not None
    await ledger._call(lambda: connection.execute("PRAGMA user_version = 99"))
    await ledger.close()
    second = SqliteLedger(tmp_path / "ledger.sqlite")
    with pytest.raises(LedgerUnfit, match="version 99"):
        await second.open()
    await second.close()


async def test_another_programs_file_is_left_alone(tmp_path: Path) -> None:
    """A journal is no ledger."""
    from router.journal import SqliteJournal

    journal = SqliteJournal(tmp_path / "journal.sqlite")
    await journal.start()
    await journal.close()
    ledger = SqliteLedger(tmp_path / "journal.sqlite")
    with pytest.raises(LedgerUnfit, match="no Upshift ledger"):
        await ledger.open()
    await ledger.close()


async def test_a_lost_connection_is_opened_again(postgresql: str) -> None:
    """A restart of the database costs nothing once it is over."""
    ledger = PostgresqlLedger(postgresql)
    await ledger.open()
    other = await asyncpg.connect(postgresql)
    kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    await other.execute(kill)
    with suppress(LedgerError):
        await ledger.begin("lost", TODAY)
    await ledger.begin("lost", TODAY)
    await ledger.end("lost", {})
    await other.close()
    await ledger.close()


@pytest.mark.parametrize(
    "url",
    ["postgresql://upshift:hunter2@127.0.0.1:1/none", "postgresql://upshift:hunter2@127.0.0.1:notaport/"],
)
async def test_a_database_that_is_away_is_said_without_its_password(url: str) -> None:
    """Whatever is wrong with its address."""
    ledger = PostgresqlLedger(url)
    with pytest.raises(LedgerError, match=r"cannot be (used|read)") as caught:
        await ledger.open()
    await ledger.close()
    assert "hunter2" not in str(caught.value)


async def test_a_wrong_password_is_not_told(postgresql: str) -> None:
    """Nor is a database that is not there more than named."""
    ledger = PostgresqlLedger(postgresql.replace("upshift@", "nobody:hunter2@"))
    with pytest.raises(LedgerError, match='role "nobody" does not exist'):
        await ledger.open()
    await ledger.close()


async def test_a_wait_that_is_cancelled_leaves_a_sound_connection(postgresql: str) -> None:
    """The next call opens a fresh one."""
    ledger = PostgresqlLedger(postgresql)
    await ledger.open()
    task = asyncio.create_task(ledger.begin("cancelled", TODAY))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await ledger.begin("cancelled", TODAY)
    await ledger.claim("cancelled", [Claim("cancelled", 1, 1, Ceiling(10))])
    await ledger.end("cancelled", {"cancelled": 1})
    await ledger.close()


class Town:
    """Processes over one ledger, and what they should have spent all together."""

    BUDGET = 150

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock(at("2026-11-27 09:30"))
        self.timer = Clock()
        self.open: list[list[Reservation]] = [[], []]
        self.ledgers: list[FaultyLedger] = []
        self.treasuries: list[Treasury] = []
        self.spent = 0

    async def start(self, place: int) -> None:
        """Start a process, at a place where none is."""
        ledger = FaultyLedger(SqliteLedger(self.folder / "ledger.sqlite"))
        treasury = Treasury(ledger, self.folder / "books", self.clock, self.timer)
        await treasury.start()
        self.ledgers[place:place] = [ledger]
        self.treasuries[place:place] = [treasury]

    async def reserve(self, place: int, most: int) -> None:
        with suppress(BudgetExhausted, LedgerUnavailable):
            reserved = await self.treasuries[place].reserve("acme", Ceiling(self.BUDGET), 1, most)
            self.open[place].append(reserved)

    async def settle(self, place: int, share: int) -> None:
        if self.open[place]:
            reserved = self.open[place].pop()
            spent = reserved.amount_usd_micros * share // 100
            self.treasuries[place].settle(reserved, spent)
            self.spent += spent

    async def tick(self, place: int, _: int) -> None:
        self.timer.now_s += 1.0
        await self.treasuries[place]._tick(is_patrol=True)

    async def crash(self, place: int, _: int) -> None:
        """End a process as ``kill -9`` does; what was under way counts in full, and another one starts."""
        self.spent += sum(reserved.amount_usd_micros for reserved in self.open[place])
        self.open[place].clear()
        await self._end(place)
        await self.start(place)

    async def _end(self, place: int) -> None:
        treasury, ledger = self.treasuries.pop(place), self.ledgers.pop(place)
        assert treasury._keeper is not None
        treasury._keeper.cancel()
        with suppress(asyncio.CancelledError):
            await treasury._keeper
        for till in [*treasury._past_tills, *([treasury._till] if treasury._till else [])]:
            till.book.leave()
        await ledger.close()

    async def fault(self, place: int, kind: int) -> None:
        """Let the ledger fail, lose its answers, or work again, for one process."""
        self.ledgers[place].is_down = kind % 3 == 1
        self.ledgers[place].loses_answers = kind % 3 == 2

    async def check(self) -> None:
        """Never more is held than there is."""
        for statement in await self.ledgers[0].statements(TODAY):
            assert statement.spent_today_usd_micros + statement.held_today_usd_micros <= self.BUDGET

    async def close(self) -> None:
        """End all; then the ledger must have what was spent."""
        for place in (1, 0):
            await self.crash(place, 0)
            await self._end(place)
        ledger = SqliteLedger(self.folder / "ledger.sqlite")
        await settle_left_books(self.folder / "books", ledger)
        found = await ledger.statements(TODAY)
        await ledger.close()
        assert sum(statement.spent_today_usd_micros for statement in found) == self.spent
        assert sum(statement.held_today_usd_micros for statement in found) == 0
        assert self.spent <= self.BUDGET


steps = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "reserve", "settle", "settle", "tick", "crash", "fault"]),
        st.integers(0, 1),
        st.integers(0, 100),
    ),
    max_size=40,
)


@given(steps)
@settings(max_examples=40, deadline=None)
def test_whatever_happens_the_money_is_right(events: list[tuple[str, int, int]]) -> None:
    """Two processes that reserve, settle, die and start over a ledger that fails now and then."""

    async def live(folder: Path) -> None:
        async with AsyncExitStack():
            town = Town(folder)
            for place in (0, 1):
                await town.start(place)
            for kind, place, number in events:
                await getattr(town, kind)(place, number)
                await town.check()
            await town.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(live(Path(folder)))
