"""The one connection to the journal's file: opens it, and writes batches in single transactions.

Decides how durable a batch is. Belongs to one thread; refuses to know about queues and loops.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from router.journal import schema
from router.journal.audit import Audit
from router.journal.errors import JournalError
from router.journal.lock import WriterLock
from router.journal.record import Feedback
from router.journal.retention import Pruned, Retention, count_old, prune
from router.journal.rows import AUDIT_COLUMNS, COLUMNS, Row

# How long another process may hold the file (a backup, say) before a write fails.
_BUSY_TIMEOUT_MS = 2000

# Callers choose request ids, and may choose one twice. A retry replaces what failed; an answer stays, for its
# feedback must not come to stand beside another answer, and no tenant may overwrite another's.
_INSERT_REQUEST = (
    f"INSERT INTO requests ({', '.join(COLUMNS)}) "  # noqa: S608 - names are ours
    f"VALUES ({', '.join(':' + name for name in COLUMNS)}) "
    f"ON CONFLICT (request_id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in COLUMNS)} "
    "WHERE requests.tier IS NULL AND requests.tenant = excluded.tenant"
)
_INSERT_AUDIT = (
    f"INSERT OR REPLACE INTO audits ({', '.join(AUDIT_COLUMNS)}) "  # noqa: S608 - names are ours
    f"VALUES ({', '.join('?' for _ in AUDIT_COLUMNS)})"
)
_INSERT_FEEDBACK = "INSERT OR REPLACE INTO feedback (request_id, source, score, time_s) VALUES (?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a batch.

    ``row_count``: rows that stand there now; the others bore the id of a request that was answered
    before. ``replaced``: for each score whether it replaced one, None where its request is not known, or
    another tenant's.
    """

    row_count: int
    replaced: list[bool | None]


class Store:
    """Writes to the file at ``path``. Use it from one thread only."""

    def __init__(self, path: Path) -> None:
        """Open or create the file and bring it up to date. Raises JournalError."""
        self._lock = WriterLock(path)
        try:
            self._lock.acquire()
            self._connection = sqlite3.connect(path, isolation_level=None)
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise
        except (OSError, ValueError, sqlite3.Error, JournalError) as exc:
            self._lock.release()
            raise JournalError(f"the journal {path} cannot be used: {exc}") from exc

    def _prepare(self) -> None:
        self._connection.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
        schema.check(self._connection)
        # What is forgotten is overwritten, in the file too.
        self._connection.execute("PRAGMA secure_delete = ON")
        self._connection.execute("PRAGMA journal_mode = WAL")
        schema.migrate(self._connection)

    def write(
        self, rows: Sequence[Row], feedback: Sequence[Feedback], audits: Sequence[Audit] = ()
    ) -> Written:
        """Write all in one transaction, synced to the disk if any feedback is among it.

        Raises sqlite3.Error, and then nothing is written.
        """
        # Without feedback a power cut may lose the last batches, never the file (WAL, NORMAL).
        self._connection.execute(f"PRAGMA synchronous = {'FULL' if feedback else 'NORMAL'}")
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            row_count = self._connection.executemany(_INSERT_REQUEST, rows).rowcount if rows else 0
            self._connection.executemany(_INSERT_AUDIT, [astuple(audit) for audit in audits])
            outcomes = [self._write_feedback(score) for score in feedback]
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        return Written(row_count, outcomes)

    def _write_feedback(self, score: Feedback) -> bool | None:
        known = "SELECT tenant FROM requests WHERE request_id = ?"
        found = self._connection.execute(known, (score.request_id,)).fetchone()
        if found is None or (score.tenants is not None and found[0] not in score.tenants):
            return None
        earlier = "SELECT 1 FROM feedback WHERE request_id = ? AND source = ?"
        replaced = self._connection.execute(earlier, (score.request_id, score.source)).fetchone() is not None
        values = (score.request_id, score.source, score.score, score.time_s)
        self._connection.execute(_INSERT_FEEDBACK, values)
        return replaced

    def prune(self, retention: Retention, now_s: float, limit: int) -> Pruned:
        """Forget some of what is too old at ``now_s``; see :func:`router.journal.retention.prune`."""
        return prune(self._connection, retention, now_s, limit)

    def count_old(self, retention: Retention, now_s: float) -> Pruned:
        """What is too old at ``now_s``. Raises sqlite3.Error."""
        return count_old(self._connection, retention, now_s)

    def fold(self) -> bool:
        """Fold the write-ahead log, which has what was forgotten too, into the file, and empty it.

        False where somebody reads meanwhile: then it must be tried again. Raises sqlite3.Error.
        """
        self._connection.execute("PRAGMA busy_timeout = 0")
        try:
            (is_busy, _, _) = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            self._connection.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
        return not is_busy

    def close(self) -> None:
        """Close the file; its write-ahead log is folded in."""
        self._connection.close()
        self._lock.release()
