"""Looks into a journal for people: newest first, by what they ask for, and never for long.

Decides what can be asked for and when a search is given up. Never writes to the file.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from router.journal import schema
from router.journal.audit import Audit
from router.journal.errors import JournalError
from router.journal.opened import opened
from router.journal.record import Feedback, Record
from router.journal.rows import from_row, to_audit

# A search that finds nothing walks through the whole file; people do not wait longer.
MAX_SEARCH_S = 2.0
# Instructions of SQLite's machine between looks at the clock: some 0.1 ms.
_STEPS = 10_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which requests; None: any. ``ending`` is ``answered``, ``escalated``, ``failed`` or an error's reason.

    Confidences run from ``min_confidence`` to ``max_confidence``, ends included; with either, requests
    without any are left out.
    """

    tier: str | None = None
    policy: str | None = None
    tenant: str | None = None
    ending: str | None = None
    min_confidence: float | None = None
    max_confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some requests, newest first. ``next_row`` continues, None: there are no more.

    ``is_cut``: the search was given up before it had found as many as were wanted.
    """

    records: tuple[Record, ...]
    next_row: int | None
    is_cut: bool = False


def page(
    path: Path, wanted: Wanted, count: int, before_row: int | None = None, *, max_s: float = MAX_SEARCH_S
) -> Page:
    """Find ``count`` requests written before ``before_row``, None: the newest. Raises JournalError.

    The search is given up after ``max_s``.
    """
    clauses, values = _conditions(wanted)
    if before_row is not None:
        clauses.append("rowid < ?")
        values.append(before_row)
    where = f"WHERE {' AND '.join(clauses)}" if clauses else ""
    sql = f"SELECT rowid, * FROM requests {where} ORDER BY rowid DESC LIMIT ?"  # noqa: S608 - clauses are ours
    rows: list[tuple[int, Record]] = []
    is_cut = False
    with _opened(path, max_s) as connection:
        try:
            found = connection.execute(sql, (*values, count + 1))
            rows.extend((row["rowid"], _whole(connection, row)) for row in found)
        except sqlite3.OperationalError as exc:
            if "interrupted" not in str(exc):
                raise
            is_cut = True
    has_more = len(rows) > count
    return Page(tuple(record for _, record in rows[:count]), rows[count - 1][0] if has_more else None, is_cut)


def one(path: Path, request_id: str) -> Record | None:
    """Find a request by its id; None: it is not there. Raises JournalError."""
    with _opened(path) as connection:
        row = connection.execute("SELECT * FROM requests WHERE request_id = ?", (request_id,)).fetchone()
        return None if row is None else _whole(connection, row)


def newest(path: Path, count: int) -> tuple[Record, ...]:
    """The newest ``count`` requests with feedback and audits, oldest first. Raises JournalError."""
    with _opened(path, max_s=None) as connection:
        rows = connection.execute("SELECT * FROM requests ORDER BY rowid DESC LIMIT ?", (count,)).fetchall()
        return tuple(_whole(connection, row) for row in reversed(rows))


def audits(path: Path, count: int) -> tuple[Audit, ...]:
    """The newest ``count`` audits, newest first. Raises JournalError."""
    with _opened(path) as connection:
        rows = connection.execute("SELECT * FROM audits ORDER BY time_s DESC LIMIT ?", (count,)).fetchall()
        return tuple(to_audit(row) for row in rows)


def tenants(path: Path) -> tuple[str, ...]:
    """Tenants among the newest requests, in the order of names. Raises JournalError."""
    sql = (
        "SELECT DISTINCT tenant FROM (SELECT tenant FROM requests ORDER BY rowid DESC LIMIT 5000) ORDER BY 1"
    )
    with _opened(path) as connection:
        return tuple(row[0] for row in connection.execute(sql))


def _conditions(wanted: Wanted) -> tuple[list[str], list[Any]]:
    clauses: list[str] = []
    values: list[Any] = []
    for column, operator, value in (
        ("tier", "=", wanted.tier),
        ("policy", "=", wanted.policy),
        ("tenant", "=", wanted.tenant),
        ("confidence", ">=", wanted.min_confidence),
        ("confidence", "<=", wanted.max_confidence),
    ):
        if value is not None:
            clauses.append(f"{column} {operator} ?")
            values.append(value)
    match wanted.ending:
        case None:
            pass
        case "answered":
            clauses.append("tier IS NOT NULL")
        case "failed":
            clauses.append("tier IS NULL")
        case "escalated":
            clauses.append("json_array_length(attempts) > 1")
        case reason:
            clauses.append("error_reason = ?")
            values.append(reason)
    return clauses, values


def _whole(connection: sqlite3.Connection, row: sqlite3.Row) -> Record:
    request_id = row["request_id"]
    scores = connection.execute(
        "SELECT request_id, source, score, time_s FROM feedback WHERE request_id = ? ORDER BY source",
        (request_id,),
    )
    audit = connection.execute("SELECT * FROM audits WHERE request_id = ?", (request_id,)).fetchone()
    return replace(
        from_row(dict(row)),
        feedback=tuple(Feedback(*score) for score in scores),
        audit=None if audit is None else to_audit(audit),
    )


@contextmanager
def _opened(path: Path, max_s: float | None = MAX_SEARCH_S) -> Iterator[sqlite3.Connection]:
    """Open the journal to read; what takes longer than ``max_s`` is interrupted."""
    with opened(path) as (connection, version):
        if version < schema.AUDITS_VERSION:
            raise JournalError("no server of this version has written to it yet")
        if max_s is not None:
            end_s = time.monotonic() + max_s
            connection.set_progress_handler(lambda: time.monotonic() > end_s, _STEPS)
        yield connection
