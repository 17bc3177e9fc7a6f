"""What has been done of which document: committed steps are never done again.

A step is keyed by the document's hash, the page, the element, the stage, and a hash of everything that could
make it come out differently. Refuses to know what a step holds.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

_SCHEMA = """
CREATE TABLE IF NOT EXISTS document_steps (
    document TEXT NOT NULL, page INTEGER NOT NULL, element TEXT NOT NULL, stage TEXT NOT NULL,
    config TEXT NOT NULL, payload TEXT NOT NULL,
    PRIMARY KEY (document, page, element, stage, config)
) WITHOUT ROWID
"""
_BUSY_MS = 10_000


@dataclass(frozen=True, slots=True)
class StepKey:
    """Names a step; ``element`` is empty for a page as a whole."""

    document: str
    page: int
    element: str
    stage: str
    config: str


class Steps(Protocol):
    """Remembers steps. ``put`` returns once the step is committed; a second ``put`` of a key does nothing."""

    def get(self, key: StepKey) -> str | None:
        """What was committed; None: nothing."""
        ...

    def put(self, key: StepKey, payload: str) -> None:
        """Commit a step."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


class NoSteps:
    """Remembers nothing."""

    def get(self, key: StepKey) -> str | None:  # noqa: ARG002  the seam's signature
        """Nothing."""
        return None

    def put(self, key: StepKey, payload: str) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class SqliteSteps:
    """Remembers in the SQLite file at ``path``, which holds the text of documents: guard it like them.

    Every step is a transaction of its own (write-ahead log): a process killed at any moment loses at most the
    step that it was committing.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not path.exists()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        if is_new:
            path.chmod(0o600)
        self._connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute(_SCHEMA)

    def get(self, key: StepKey) -> str | None:
        """What was committed; None: nothing."""
        asked = (
            "SELECT payload FROM document_steps "
            "WHERE document = ? AND page = ? AND element = ? AND stage = ? AND config = ?"
        )
        with closing(self._connection.execute(asked, _row(key))) as found:
            row = found.fetchone()
        return None if row is None else str(row[0])

    def put(self, key: StepKey, payload: str) -> None:
        """Commit a step."""
        self._connection.execute(
            "INSERT OR IGNORE INTO document_steps VALUES (?, ?, ?, ?, ?, ?)", (*_row(key), payload)
        )

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()


def _row(key: StepKey) -> tuple[str, int, str, str, str]:
    return key.document, key.page, key.element, key.stage, key.config
