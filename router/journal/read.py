"""Reads a journal back, for evaluation, calibration and replay. Never writes to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from router.journal import schema
from router.journal.errors import JournalError
from router.journal.record import Feedback, Record
from router.journal.rows import from_row


def read_journal(path: Path) -> Iterator[Record]:
    """Yield all records, with their feedback, in the order of writing; memory use is constant.

    A server may go on writing meanwhile: what is seen is the journal as of the first record.
    Raises JournalError where the file is none, or newer than this program.
    """
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    except sqlite3.Error as exc:
        raise JournalError(f"the journal {path} cannot be opened: {exc}") from exc
    with closing(connection):
        connection.row_factory = sqlite3.Row
        try:
            schema.check(connection)
            yield from _records(connection)
        except (sqlite3.Error, JournalError) as exc:
            raise JournalError(f"the journal {path} cannot be read: {exc}") from exc


def _records(connection: sqlite3.Connection) -> Iterator[Record]:
    connection.execute("BEGIN")
    for row in connection.execute("SELECT * FROM requests ORDER BY rowid"):
        scores = connection.execute(
            "SELECT request_id, source, score, time_s FROM feedback WHERE request_id = ? ORDER BY source",
            (row["request_id"],),
        )
        yield replace(from_row(row), feedback=tuple(Feedback(*score) for score in scores))
