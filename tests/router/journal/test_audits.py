"""Audits in the journal: joined to their request, in old files too."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

from router.journal import Audit, Record, SqliteJournal, read_journal
from router.journal.rows import to_row
from router.journal.store import Store
from tests.router.journal.entries import answered, failed

AUDIT = Audit("r1", "c0", 0.02, "edge", "top", False, 0.5, "expected", 12, 0.3, standing="suspect")


async def test_an_audit_joins_its_request(tmp_path: Path) -> None:
    """With the time that it was told at; requests without one have none."""
    journal = SqliteJournal(tmp_path / "j.sqlite", clock=lambda: 7.0)
    await journal.start()
    journal.record(answered())
    journal.record(failed())
    journal.audit(AUDIT)
    await journal.close()
    first, second = read_journal(tmp_path / "j.sqlite")
    assert first.audit is not None
    assert (first.audit.loss, first.audit.agreed, first.audit.time_s) == (0.5, False, 7.0)
    assert first.audit.standing == "suspect"
    assert second.audit is None
    assert journal.counts.written == 3


def old_journal(path: Path) -> None:
    """A file as the first version of the schema left it."""
    Store(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE audits")
        connection.execute("ALTER TABLE requests DROP COLUMN certificate_id")
        connection.execute("ALTER TABLE requests DROP COLUMN tool_calls")
        connection.execute("PRAGMA user_version = 1")
    connection.close()


async def test_an_old_file_is_brought_up_to_date(tmp_path: Path) -> None:
    """And read before that, when nobody has written to it yet."""
    old_journal(tmp_path / "j.sqlite")
    assert list(read_journal(tmp_path / "j.sqlite")) == []
    journal = SqliteJournal(tmp_path / "j.sqlite")
    await journal.start()
    journal.record(answered())
    journal.audit(AUDIT)
    await journal.close()
    (record,) = read_journal(tmp_path / "j.sqlite")
    assert record.audit is not None
    assert record.certificate_id is None


def test_audits_of_the_second_version_are_read(tmp_path: Path) -> None:
    """What such a file does not say is not known; the rest is there."""
    path = tmp_path / "j.sqlite"
    store = Store(path)
    store.write([to_row(Record.of(answered(), time_s=1.0, store_prompts=False))], [], [AUDIT])
    store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("ALTER TABLE audits DROP COLUMN standing")
        connection.execute("PRAGMA user_version = 2")
    connection.close()
    (record,) = read_journal(path)
    assert record.audit == replace(AUDIT, standing=None)
