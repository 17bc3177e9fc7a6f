"""The journal's writer: what is kept, what is dropped, and what never reaches a request."""

from __future__ import annotations

import asyncio
import logging
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backends.types import Message, Prompt, Role
from router.errors import QueueFull, UnknownRequest
from router.journal import (
    Feedback,
    JournalCounts,
    JournalEntry,
    JournalError,
    NullJournal,
    SqliteJournal,
    read_journal,
)
from router.journal.schema import APPLICATION_ID, MIGRATIONS
from tests.router.journal import entries


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that does not exist yet."""
    return tmp_path / "journal.sqlite"


@asynccontextmanager
async def opened(path: Path, **options: Any) -> AsyncIterator[SqliteJournal]:
    """Open a journal whose clock stands still, and close it."""
    journal = SqliteJournal(path, clock=lambda: 1000.0, **options)
    await journal.start()
    try:
        yield journal
    finally:
        await journal.close()


async def test_entry_is_kept_without_prompt(path: Path) -> None:
    """Everything that was decided is kept; neither prompt nor answer is."""
    async with opened(path) as journal:
        journal.record(entries.answered())
    (record,) = read_journal(path)
    assert (record.request_id, record.time_s) == ("r1", 1000.0)
    assert (record.tenant, record.tags) == ("acme", frozenset({"math"}))
    assert (record.estimates, record.features) == (entries.DECIDED.estimates, entries.DECIDED.features)
    assert (record.attempts, record.cost_usd_micros, record.latency_s) == ((entries.ATTEMPT,), 9, 0.06)
    assert (record.messages, record.answer) == (None, None)


async def test_prompt_is_kept_where_asked_for(path: Path) -> None:
    """With ``store_prompts`` the conversation and the answer are kept too."""
    async with opened(path, store_prompts=True) as journal:
        journal.record(entries.answered())
    (record,) = read_journal(path)
    assert record.messages == entries.request().prompt.messages
    assert record.answer == "4"


async def test_failure_is_kept_with_its_reason(path: Path) -> None:
    """A failed request is kept with the error's reason and what its attempts cost."""
    async with opened(path) as journal:
        journal.record(entries.failed())
        journal.record(replace(entries.failed("r3"), decided=None, attempts=()))
    with_attempt, before_decision = read_journal(path)
    assert (with_attempt.tier, with_attempt.error_reason) == (None, "NO_TIER_READY")
    assert (with_attempt.cost_usd_micros, with_attempt.latency_s) == (9, 0.05)
    assert (before_decision.policy, before_decision.cost_usd_micros) == ("", 0)


async def test_feedback_joins_and_replaces(path: Path) -> None:
    """A second score from one source replaces the first; another source's stands beside it."""
    async with opened(path) as journal:
        journal.record(entries.answered())
        assert not await journal.feedback("r1", 0.2, "user")
        assert await journal.feedback("r1", 1.0, "user")
        assert not await journal.feedback("r1", 0.5, "audit")
    (record,) = read_journal(path)
    assert record.feedback == (Feedback("r1", "audit", 0.5, 1000.0), Feedback("r1", "user", 1.0, 1000.0))


async def test_feedback_for_unknown_request(path: Path) -> None:
    """Feedback that joins nothing is refused, by a journal and by none."""
    async with opened(path) as journal:
        with pytest.raises(UnknownRequest, match="'nope'"):
            await journal.feedback("nope", 1.0, "user")
    with pytest.raises(UnknownRequest, match=r"journal\.path"):
        await NullJournal().feedback("r1", 1.0, "user")


async def test_feedback_is_on_disk_when_acknowledged(path: Path) -> None:
    """Another connection sees a score as soon as it is acknowledged."""
    async with opened(path) as journal:
        journal.record(entries.answered())
        await journal.feedback("r1", 1.0, "user")
        (record,) = read_journal(path)
        assert record.feedback


async def test_reopening_goes_on(path: Path) -> None:
    """A journal that exists is continued."""
    for request_id in ("r1", "r2"):
        async with opened(path) as journal:
            journal.record(entries.answered(request_id))
    assert [record.request_id for record in read_journal(path)] == ["r1", "r2"]


async def test_full_queue_drops_and_counts(path: Path) -> None:
    """What does not fit into the queue is dropped and counted; feedback is told to come back."""
    journal = SqliteJournal(path, queue_entry_count=3)
    for number in range(5):
        journal.record(entries.answered(f"r{number}"))
    with pytest.raises(QueueFull):
        await journal.feedback("r1", 1.0, "user")
    await journal.start()
    await journal.close()
    assert journal.counts == JournalCounts(written=3, dropped=2)


async def test_entry_that_fits_no_column_spares_its_batch(path: Path) -> None:
    """One entry with a value that cannot be stored is counted; its neighbours are written."""
    broken = replace(entries.DECIDED, features={"broken": float("nan")})
    async with opened(path) as journal:
        journal.record(entries.answered("r1"))
        journal.record(replace(entries.answered("r2"), decided=broken))
        journal.record(entries.answered("r3"))
    assert journal.counts == JournalCounts(written=2, failed=1)


async def test_unwritable_file_is_logged_once_a_minute(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Failing writes are counted and logged once; requests do not notice, feedback is told."""
    async with opened(path) as journal:
        with closing(sqlite3.connect(path)) as other:
            other.execute("DROP TABLE requests")
        with caplog.at_level(logging.ERROR):
            for number in range(3):
                journal.record(entries.answered(f"r{number}"))
                with pytest.raises(QueueFull):
                    await journal.feedback(f"r{number}", 1.0, "user")
    assert journal.counts == JournalCounts(failed=3)
    assert len(caplog.records) == 1


async def test_cancelled_feedback_is_still_kept(path: Path) -> None:
    """Cancelling the wait does not take the score back."""
    async with opened(path) as journal:
        journal.record(entries.answered())
        waiting = asyncio.ensure_future(journal.feedback("r1", 1.0, "user"))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    (record,) = read_journal(path)
    assert record.feedback


async def test_newer_schema_is_refused(path: Path) -> None:
    """A file that a newer program wrote is left alone, by the writer and by the reader."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE requests (future TEXT)")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    journal = SqliteJournal(path)
    with pytest.raises(JournalError, match="update Upshift"):
        await journal.start()
    await journal.close()
    with pytest.raises(JournalError, match="update Upshift"):
        next(read_journal(path))


async def test_foreign_databases_are_refused(path: Path) -> None:
    """Another program's database is not written to."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE photos (name TEXT)")
    with pytest.raises(JournalError, match="no Upshift journal"):
        await SqliteJournal(path).start()


async def test_other_files_are_refused() -> None:
    """A file that is no database is not written to."""
    with pytest.raises(JournalError, match="not a database"):
        await SqliteJournal(Path(__file__)).start()


async def test_missing_directory_is_told(tmp_path: Path) -> None:
    """A path that cannot be opened is named."""
    with pytest.raises(JournalError, match=r"nowhere/j\.sqlite cannot be used: .* No such file"):
        await SqliteJournal(tmp_path / "nowhere/j.sqlite").start()


async def test_one_writer_at_a_time(path: Path) -> None:
    """A second writer is refused while the first has the file, and welcome afterwards."""
    async with opened(path):
        with pytest.raises(JournalError, match="another process writes to it"):
            await SqliteJournal(path).start()
    async with opened(path) as journal:
        journal.record(entries.answered())


async def test_value_that_sqlite_refuses_loses_its_batch_only(path: Path) -> None:
    """A batch that cannot be bound is counted, and the writer goes on."""
    async with opened(path) as journal:
        journal.record(replace(entries.answered(), request=replace(entries.request(), tenant="\ud800")))
        with pytest.raises(QueueFull):
            await journal.feedback("r1", 1.0, "user")
        journal.record(entries.answered("r2"))
    assert journal.counts == JournalCounts(written=1, failed=1)


_WRITE_FOREVER = """
import asyncio, sys
from pathlib import Path
from tests.router.journal import entries

from router.journal import SqliteJournal

async def main():
    journal = SqliteJournal(Path(sys.argv[1]))
    await journal.start()
    for number in range(10**9):
        journal.record(entries.answered(f"r{number}"))
        if number % 100 == 0:
            await journal.feedback(f"r{number}", 1.0, "user")
            print(number, flush=True)

asyncio.run(main())
"""


def test_killed_writer_leaves_a_whole_journal(path: Path) -> None:
    """After kill -9 the file is consistent, and all feedback that was acknowledged is in it."""
    command = [sys.executable, "-c", _WRITE_FOREVER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        acknowledged = [int(child.stdout.readline()) for _ in range(10)]
        child.send_signal(signal.SIGKILL)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    scored = {record.request_id for record in read_journal(path) if record.feedback}
    assert {f"r{number}" for number in acknowledged} <= scored


async def test_a_retry_replaces_what_failed(path: Path) -> None:
    """A request id that comes again after a failure stands for the answer that it then got."""
    async with opened(path) as journal:
        journal.record(entries.failed("r1"))
        journal.record(entries.answered("r1"))
    (record,) = read_journal(path)
    assert (record.tier, journal.counts) == ("edge", JournalCounts(written=2))


@pytest.mark.parametrize("again", [entries.answered("r1"), entries.failed("r1")])
async def test_an_answered_request_stays(
    path: Path, again: JournalEntry, caplog: pytest.LogCaptureFixture
) -> None:
    """A second request of its id is counted and said; the first keeps its answer and its feedback."""
    async with opened(path) as journal:
        journal.record(entries.answered("r1"))
        await journal.feedback("r1", 1.0, "user")
        journal.record(replace(again, request=replace(again.request, tags=frozenset({"other"}))))
    (record,) = read_journal(path)
    assert (record.tags, len(record.feedback)) == (frozenset({"math"}), 1)
    assert journal.counts == JournalCounts(written=1, failed=1)
    assert "must not use one twice" in caplog.text


async def test_no_tenant_overwrites_another(path: Path) -> None:
    """Even a failed request of another tenant is left alone."""
    other = replace(entries.answered("r1"), request=replace(entries.request("r1"), tenant="other"))
    async with opened(path) as journal:
        journal.record(entries.failed("r1"))
        journal.record(other)
    (record,) = read_journal(path)
    assert (record.tenant, record.error_reason) == ("acme", "NO_TIER_READY")


ODD = "nul\x00 rtl\u202e emoji\U0001f600 quote'\" line\u2028\n"


async def test_odd_text_comes_back_as_it_was(path: Path) -> None:
    """Whatever is valid Unicode is kept whole, also behind a NUL, in every column."""
    request = replace(entries.request(ODD), tenant=ODD, tags=frozenset({ODD}))
    prompt = Prompt((Message(Role.USER, ODD),))
    async with opened(path, store_prompts=True) as journal:
        journal.record(replace(entries.answered(ODD), request=replace(request, prompt=prompt)))
        await journal.feedback(ODD, 1.0, ODD)
    (record,) = read_journal(path)
    assert (record.request_id, record.tenant, record.tags) == (ODD, ODD, frozenset({ODD}))
    assert record.messages == prompt.messages
    assert record.feedback == (Feedback(ODD, ODD, 1.0, 1000.0),)


async def test_long_prompts_are_kept_whole(path: Path) -> None:
    """A megabyte is no trouble."""
    prompt = Prompt((Message(Role.USER, "x" * 2**20),))
    async with opened(path, store_prompts=True) as journal:
        journal.record(replace(entries.answered(), request=replace(entries.request(), prompt=prompt)))
    (record,) = read_journal(path)
    assert record.messages == prompt.messages


async def test_long_prompts_fill_the_queue_sooner(path: Path) -> None:
    """What waits is bounded in characters too; once written, there is room again."""
    prompt = Prompt((Message(Role.USER, "x" * 2**25),))
    entry = replace(entries.answered(), request=replace(entries.request(), prompt=prompt))
    journal = SqliteJournal(path)
    for _ in range(4):
        journal.record(entry)
    assert journal.counts.dropped == 3
    await journal.start()
    with pytest.raises(UnknownRequest):
        await journal.feedback("nope", 1.0, "user")
    journal.record(entry)
    await journal.close()
    assert journal.counts.dropped == 3


_FILL_THE_DISK = """
import asyncio, resource, sys
from dataclasses import replace
from pathlib import Path
from backends.types import Message, Prompt, Role
from tests.router.journal import entries

from router.errors import QueueFull
from router.journal import SqliteJournal

async def main():
    journal = SqliteJournal(Path(sys.argv[1]), store_prompts=True)
    await journal.start()
    journal.record(entries.answered("before"))
    await journal.feedback("before", 1.0, "user")
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
    prompt = Prompt((Message(Role.USER, "x" * 2**20),))
    request = replace(entries.request("large"), prompt=prompt)
    journal.record(replace(entries.answered("large"), request=request))
    try:
        await journal.feedback("before", 0.0, "user")
    except QueueFull:
        print("told")
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    journal.record(entries.answered("after"))
    await journal.feedback("after", 1.0, "user")
    await journal.close()
    print(journal.counts.failed)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no limit on files")
def test_a_full_disk_loses_what_does_not_fit_and_no_more(path: Path) -> None:
    """What cannot be written is counted, its feedback is told to come back, and what comes later is kept."""
    command = [sys.executable, "-c", _FILL_THE_DISK, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["told", "1"]
    assert [record.request_id for record in read_journal(path)] == ["before", "after"]
