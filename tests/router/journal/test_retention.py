"""What is too old is forgotten, also in the file, while the journal runs."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path

import pytest

from backends.types import Message, Prompt, Role
from router.journal import Audit, JournalEntry, Retention, SqliteJournal, read_journal
from router.journal.pruner import Pruner
from router.journal.retention import Pruned
from router.journal.schema import MIGRATIONS
from router.journal.store import Store
from tests.router.journal import entries

DAY_S = 86_400.0
SECRET = "a secret that nobody must find " * 200


class Clock:
    """Shows what it is set to."""

    def __init__(self, now_s: float = 1000 * DAY_S) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        """Seconds since 1970."""
        return self.now_s


def entry(request_id: str, text: str = SECRET) -> JournalEntry:
    """An answered request with a long prompt."""
    made = entries.answered(request_id)
    prompt = Prompt((Message(Role.USER, text),))
    return replace(made, request=replace(made.request, prompt=prompt))


@asynccontextmanager
async def opened(
    path: Path, clock: Clock, *, prompts: float | None = None, records: float | None = None
) -> AsyncIterator[SqliteJournal]:
    """A journal that stores prompts and forgets after so many days."""
    journal = SqliteJournal(
        path, store_prompts=True, retention=Retention.of_days(prompts, records), clock=clock
    )
    await journal.start()
    try:
        yield journal
    finally:
        await journal.close()


async def written(journal: SqliteJournal, request_id: str) -> None:
    """Record one more and wait until it is written, and what is too old forgotten."""
    journal.record(entry(request_id, "new"))
    await journal.feedback(request_id, 1.0, "test")


async def settled(journal: SqliteJournal) -> None:
    """Wait for the writer to come back from what it does after a batch."""
    await written(journal, "a")
    await written(journal, "b")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that does not exist yet."""
    return tmp_path / "journal.sqlite"


async def test_old_prompts_go_and_their_records_stay(path: Path) -> None:
    """What was decided is kept for longer than what was said."""
    clock = Clock()
    async with opened(path, clock, prompts=30) as journal:
        await written(journal, "old")
        clock.now_s += 31 * DAY_S
        await settled(journal)
    old, *new = read_journal(path)
    assert (old.request_id, old.messages, old.answer) == ("old", None, None)
    assert old.attempts == (entries.ATTEMPT,)
    assert all(record.messages for record in new)


async def test_old_records_go_with_all_that_belongs_to_them(path: Path) -> None:
    """Feedback and audits of a record go with it, and nobody else's."""
    clock = Clock()
    async with opened(path, clock, records=30) as journal:
        await written(journal, "old")
        journal.audit(Audit("old", "c", 0.1, "edge", "top", True, 0.0, "agreed"))
        await written(journal, "other")
        clock.now_s += 31 * DAY_S
        await settled(journal)
    assert {record.request_id for record in read_journal(path)} == {"a", "b"}
    with closing(sqlite3.connect(path)) as connection:
        kept = connection.execute("SELECT count(*) FROM feedback UNION ALL SELECT count(*) FROM audits")
        assert sorted(kept.fetchall()) == [(0,), (2,)]


async def test_what_is_forgotten_is_gone_from_the_disk(path: Path) -> None:
    """Neither the file nor its write-ahead log has the text any more, while the journal is still open."""
    clock = Clock()
    async with opened(path, clock, prompts=30) as journal:
        journal.record(entry("old"))
        await written(journal, "other")
        assert _is_on_disk(path.parent)
        clock.now_s += 31 * DAY_S
        await settled(journal)
        assert not _is_on_disk(path.parent)


def _is_on_disk(folder: Path) -> bool:
    return any(SECRET[:31].encode() in file.read_bytes() for file in folder.iterdir())


async def test_nothing_goes_without_a_limit(path: Path) -> None:
    """Whatever its age."""
    clock = Clock(0.0)
    async with opened(path, clock) as journal:
        await written(journal, "old")
        clock.now_s += 36_500 * DAY_S
        await settled(journal)
    assert len(list(read_journal(path))) == 3


@pytest.fixture
def store(path: Path) -> Store:
    """A journal of 1,200 records of the day 0, one of day 1 and one of day 2."""

    async def fill() -> None:
        clock = Clock(0.0)
        async with opened(path, clock) as journal:
            for number in range(1200):
                journal.record(entry(f"r{number}", "text"))
            await written(journal, "day0")
            for day in (1, 2):
                clock.now_s = day * DAY_S
                await written(journal, f"day{day}")

    asyncio.run(fill())
    return Store(path)


def test_a_backlog_is_worked_off_in_pieces(store: Store) -> None:
    """Each piece is bounded, and the writer comes back soon while there is more."""
    clock = Clock(2.5 * DAY_S)
    pruner = Pruner(Retention.of_days(1, None), clock)
    left = [1202, 702, 202, 0]
    for count in left:
        assert store.count_old(Retention.of_days(1, None), clock()).prompt_count == count
        pruner.work(store)
    store.close()
    assert pruner.wait_s == 5.0


@pytest.mark.parametrize(
    ("second_look_s", "left"), [(DAY_S + 100, 1201), (DAY_S + 499, 1201), (DAY_S + 500, 701)]
)
def test_it_is_not_looked_for_all_the_time(store: Store, second_look_s: float, left: int) -> None:
    """After a look there is rest for ten minutes."""
    clock = Clock(DAY_S - 100)
    retention = Retention.of_days(1, None)
    pruner = Pruner(retention, clock)
    for now_s in (clock.now_s, second_look_s):
        clock.now_s = now_s
        pruner.work(store)
    assert store.count_old(retention, 1.5 * DAY_S).prompt_count == left
    store.close()


def test_a_clock_that_was_set_back_stops_nothing(store: Store) -> None:
    """The next look does not wait until it shows the old time again."""
    clock = Clock(0.5 * DAY_S)
    retention = Retention.of_days(1, None)
    pruner = Pruner(retention, clock)
    for now_s in (0.99 * DAY_S, 0.1 * DAY_S, 1.001 * DAY_S):
        clock.now_s = now_s
        pruner.work(store)
    assert store.count_old(retention, 1.5 * DAY_S).prompt_count == 701
    store.close()


def test_both_limits_are_counted_apart(store: Store) -> None:
    """A prompt that goes with its record is not counted twice, and a dry run says what a run does."""
    retention, now_s = Retention.of_days(1, 2), 2.5 * DAY_S
    expected = store.count_old(retention, now_s)
    assert expected == Pruned(prompt_count=1, record_count=1201)
    done = Pruned()
    while not (piece := store.prune(retention, now_s, 500)).is_nothing:
        done += piece
    assert done == expected
    store.close()


def test_a_failure_forgets_nothing(store: Store) -> None:
    """A piece is all or nothing."""
    trigger = "CREATE TRIGGER t BEFORE DELETE ON requests BEGIN SELECT RAISE(ABORT, 'no'); END"
    store._connection.execute(trigger)
    with pytest.raises(sqlite3.Error, match="no"):
        store.prune(Retention.of_days(None, 1), 10 * DAY_S, 500)
    assert store.count_old(Retention.of_days(None, 1), 10 * DAY_S).record_count == 1203
    store.close()


def test_what_is_old_is_found_by_an_index(store: Store) -> None:
    """Looking for it does not read the whole journal."""
    for what in ("request_id FROM requests WHERE", "rowid FROM requests WHERE messages IS NOT NULL AND"):
        query = f"EXPLAIN QUERY PLAN SELECT {what} time_s < 1 ORDER BY time_s"
        plan = store._connection.execute(query).fetchall()
        assert "_by_time (time_s<?)" in plan[0][3]
    store.close()


def test_an_older_journal_gets_the_index(path: Path) -> None:
    """A file of the version before is brought up to date when it is opened."""
    with closing(sqlite3.connect(path)) as connection:
        for statements in MIGRATIONS[:3]:
            for statement in statements:
                connection.execute(statement)
        connection.execute("PRAGMA user_version = 3")
        connection.execute("PRAGMA application_id = 0x55705368")
        connection.commit()
    store = Store(path)
    assert store.count_old(Retention.of_days(1, 1), DAY_S) == Pruned()
    store.close()
