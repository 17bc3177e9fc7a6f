"""A journal's file, opened to be read and never written."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from router.journal import schema
from router.journal.errors import JournalError

# What a file can raise that nobody wrote so; SQLite runs out of memory over lengths that are made up.
_DAMAGED = (ValueError, LookupError, TypeError, AttributeError, RecursionError, MemoryError)


@contextmanager
def opened(path: Path) -> Iterator[tuple[sqlite3.Connection, int]]:
    """Give a connection, whose rows go by name, and the version of the file.

    Raises JournalError, for what goes wrong within the block, too, where it comes of the file.
    """
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    except sqlite3.Error as exc:
        raise JournalError(f"the journal {path} cannot be opened: {exc}") from exc
    with closing(connection):
        connection.row_factory = sqlite3.Row
        try:
            yield connection, schema.check(connection)
        except (sqlite3.Error, JournalError, *_DAMAGED) as exc:
            raise JournalError(f"the journal {path} cannot be read: {exc}") from exc
