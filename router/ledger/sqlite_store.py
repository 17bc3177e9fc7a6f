"""The one connection to the ledger's SQLite file: each method is one transaction, synced to the disk.

Belongs to one thread. Processes take turns by a lock of their own: before SQLite 3.51.3 two connections that
reset the write-ahead log at once could damage the file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from router.ledger import sqlite_schema
from router.ledger.base import Claim, Grant, LedgerError, LedgerUnfit, OpenBook, Statement
from router.ledger.calendar import month_of
from router.ledger.grant import DayTotal, granted
from router.tenants.file_lock import locked

_BUSY_TIMEOUT_S = 2.0
"""How long another process may hold the file before a call fails; a transaction takes a few milliseconds."""

_SELECT_OTHERS = """
    SELECT day, sum(held), sum(spent) FROM (
        SELECT day, usd_micros AS held, usd_micros AS spent FROM spending
        WHERE tenant = :tenant AND day BETWEEN :first AND :last
        UNION ALL
        SELECT day, held_usd_micros, spent_usd_micros FROM claims JOIN books USING (book)
        WHERE tenant = :tenant AND book <> :book AND day BETWEEN :first AND :last
    ) GROUP BY day
"""
_UPSERT_CLAIM = """
    INSERT INTO claims (tenant, book, held_usd_micros, spent_usd_micros) VALUES (?, ?, ?, ?)
    ON CONFLICT (tenant, book) DO UPDATE
    SET held_usd_micros = excluded.held_usd_micros, spent_usd_micros = excluded.spent_usd_micros
"""
_ADD_SPENDING = """
    INSERT INTO spending (tenant, day, usd_micros) VALUES (?, ?, ?)
    ON CONFLICT (tenant, day) DO UPDATE SET usd_micros = usd_micros + excluded.usd_micros
"""
_SELECT_STATEMENTS = """
    SELECT tenant,
        sum(iif(day = :day, spent, 0)), sum(iif(day = :day, held, 0)) - sum(iif(day = :day, spent, 0)),
        sum(spent), sum(held) - sum(spent)
    FROM (
        SELECT tenant, day, usd_micros AS held, usd_micros AS spent FROM spending
        WHERE day BETWEEN :first AND :last
        UNION ALL
        SELECT tenant, day, held_usd_micros, spent_usd_micros FROM claims JOIN books USING (book)
        WHERE day BETWEEN :first AND :last
    ) GROUP BY tenant ORDER BY tenant
"""
_SELECT_BOOKS = """
    SELECT book, day, unixepoch() - heard_s AS silent_s,
        coalesce(sum(held_usd_micros), 0), coalesce(sum(spent_usd_micros), 0)
    FROM books LEFT JOIN claims USING (book) GROUP BY book ORDER BY silent_s DESC, book
"""


class SqliteStore:
    """Works on the file at ``path``. Methods raise LedgerError, and then nothing was done."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = path.with_name(f"{path.name}-lock")
        self._connection: sqlite3.Connection | None = None

    def open(self) -> None:
        """Open or create the file, and bring it up to date."""
        with self._turn():
            connection = sqlite3.connect(self._path, isolation_level=None, timeout=_BUSY_TIMEOUT_S)
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                sqlite_schema.migrate(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection

    def begin(self, book: str, day: date) -> None:
        """Make a book known."""
        with self._transaction() as do:
            insert = "INSERT OR IGNORE INTO books (book, day, heard_s) VALUES (?, ?, unixepoch())"
            do.execute(insert, (book, day.isoformat()))

    def claim(self, book: str, claims: Sequence[Claim]) -> tuple[Grant, ...]:
        """Replace what the book has said of these tenants."""
        with self._transaction() as do:
            day = _day_of(do, book)
            if day is None:
                raise LedgerError(f"it does not know the book {book}")
            do.execute("UPDATE books SET heard_s = unixepoch() WHERE book = ?", (book,))
            return tuple(_claim(do, book, day, claim) for claim in claims)

    def end(self, book: str, spent_usd_micros: Mapping[str, int] | None) -> None:
        """Count what the book spent for good, and forget it."""
        with self._transaction() as do:
            day = _day_of(do, book)
            if day is None:
                return
            held = "SELECT tenant, held_usd_micros, spent_usd_micros FROM claims WHERE book = ?"
            told = {tenant: (held, spent) for tenant, held, spent in do.execute(held, (book,))}
            for tenant in told.keys() | (spent_usd_micros or {}).keys():
                most, least = told.get(tenant, (0, 0))
                amount = most if spent_usd_micros is None else max(least, spent_usd_micros.get(tenant, 0))
                do.execute(_ADD_SPENDING, (tenant, day.isoformat(), amount))
            do.execute("DELETE FROM claims WHERE book = ?", (book,))
            do.execute("DELETE FROM books WHERE book = ?", (book,))

    def statements(self, day: date) -> tuple[Statement, ...]:
        """Every tenant with money in the month of ``day``."""
        first, last = month_of(day)
        bounds = {"day": day.isoformat(), "first": first.isoformat(), "last": last.isoformat()}
        with self._transaction() as do:
            return tuple(Statement(*row) for row in do.execute(_SELECT_STATEMENTS, bounds))

    def books(self) -> tuple[OpenBook, ...]:
        """Every book that has not ended."""
        with self._transaction() as do:
            return tuple(_open_books(do))

    def release(self, book: str, silent_s: float) -> OpenBook | None:
        """Give back what a silent book holds beyond what it has told to be spent."""
        with self._transaction() as do:
            found = next((one for one in _open_books(do) if one.name == book), None)
            if found is None or found.silent_s < silent_s:
                return None
            do.execute("UPDATE claims SET held_usd_micros = spent_usd_micros WHERE book = ?", (book,))
            return found

    def close(self) -> None:
        """Close the file; its write-ahead log is folded in by the last one."""
        if self._connection is not None:
            try:
                with self._turn():
                    self._connection.close()
            finally:
                self._connection = None

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Keep other processes out, and say in our words what goes wrong."""
        try:
            with locked(self._lock, _BUSY_TIMEOUT_S):
                yield
        except (OSError, sqlite3.Error, LedgerError) as exc:
            kind = LedgerUnfit if isinstance(exc, LedgerUnfit) else LedgerError
            raise kind(f"the ledger {self._path} cannot be used: {exc}") from exc

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        if self._connection is None:
            self.open()
        assert self._connection is not None, "open sets it or raises"
        with self._turn():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise


def _day_of(connection: sqlite3.Connection, book: str) -> date | None:
    row = connection.execute("SELECT day FROM books WHERE book = ?", (book,)).fetchone()
    return None if row is None else date.fromisoformat(row[0])


def _open_books(connection: sqlite3.Connection) -> Iterator[OpenBook]:
    for name, day, silent_s, held, spent in connection.execute(_SELECT_BOOKS):
        yield OpenBook(name, date.fromisoformat(day), float(silent_s), held, spent)


def _claim(connection: sqlite3.Connection, book: str, day: date, claim: Claim) -> Grant:
    first, last = month_of(day)
    found = connection.execute(
        _SELECT_OTHERS,
        {"tenant": claim.tenant, "book": book, "first": first.isoformat(), "last": last.isoformat()},
    )
    others = [DayTotal(date.fromisoformat(at), held, spent) for at, held, spent in found]
    own = "SELECT held_usd_micros FROM claims WHERE tenant = ? AND book = ?"
    row = connection.execute(own, (claim.tenant, book)).fetchone()
    grant = granted(claim, row[0] if row else 0, day, others)
    values = (claim.tenant, book, grant.held_usd_micros, claim.spent_usd_micros)
    connection.execute(_UPSERT_CLAIM, values)
    return grant
