"""Reads a journal back, for evaluation, calibration and replay. Never writes to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from router.journal import schema
from router.journal.audit import Audit
from router.journal.opened import opened
from router.journal.record import Feedback, Record
from router.journal.rows import from_row, to_audit


def read_journal(path: Path) -> Iterator[Record]:
    """Yield all records, with their feedback, in the order of writing; memory use is constant.

    A server may go on writing meanwhile: what is seen is the journal as of the first record.
    Raises JournalError where the file is none, or newer than this program, or damaged.
    """
    with opened(path) as (connection, version):
        yield from _records(connection, has_audits=version >= schema.AUDITS_VERSION)


def _records(connection: sqlite3.Connection, *, has_audits: bool) -> Iterator[Record]:
    """Read all; a file that no newer server has written to since knows no certificates."""
    columns = "*" if has_audits else "*, NULL AS certificate_id"
    connection.execute("BEGIN")
    for row in connection.execute(f"SELECT {columns} FROM requests ORDER BY rowid"):  # noqa: S608 - ours
        scores = connection.execute(
            "SELECT request_id, source, score, time_s FROM feedback WHERE request_id = ? ORDER BY source",
            (row["request_id"],),
        )
        audit = _audit(connection, row["request_id"]) if has_audits else None
        yield replace(
            from_row(row),
            feedback=tuple(Feedback(*score) for score in scores),
            audit=audit,
        )


def _audit(connection: sqlite3.Connection, request_id: str) -> Audit | None:
    row = connection.execute("SELECT * FROM audits WHERE request_id = ?", (request_id,)).fetchone()
    return None if row is None else to_audit(row)
