"""The ledger in a PostgreSQL database that servers of several machines share.

Decides how processes keep out of each other's way: claims on one tenant's money queue behind an advisory
lock of its name, so that no two see the same room. One connection a process, opened again when it is lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

from router.ledger.base import Claim, Grant, LedgerError, OpenBook, Statement
from router.ledger.calendar import month_of
from router.ledger.grant import DayTotal, granted

_TIMEOUT_S = 5.0
"""For connecting, and for each statement."""
_LOCK_SPACE = 0x55704C64  # "UpLd": the first half of advisory locks, which a database has one space of

_TABLES = """
    CREATE TABLE IF NOT EXISTS upshift_books (
        book text PRIMARY KEY,
        day  date NOT NULL
    );
    ALTER TABLE upshift_books ADD COLUMN IF NOT EXISTS heard timestamptz NOT NULL DEFAULT now();
    CREATE TABLE IF NOT EXISTS upshift_claims (
        tenant           text NOT NULL,
        book             text NOT NULL REFERENCES upshift_books (book),
        held_usd_micros  bigint NOT NULL,
        spent_usd_micros bigint NOT NULL,
        PRIMARY KEY (tenant, book)
    );
    CREATE INDEX IF NOT EXISTS upshift_claims_by_book ON upshift_claims (book);
    CREATE TABLE IF NOT EXISTS upshift_spending (
        tenant     text NOT NULL,
        day        date NOT NULL,
        usd_micros bigint NOT NULL,
        PRIMARY KEY (tenant, day)
    );
"""
_SELECT_OTHERS = """
    SELECT day, sum(held)::bigint, sum(spent)::bigint FROM (
        SELECT day, usd_micros AS held, usd_micros AS spent FROM upshift_spending
        WHERE tenant = $1 AND day BETWEEN $3 AND $4
        UNION ALL
        SELECT day, held_usd_micros, spent_usd_micros FROM upshift_claims JOIN upshift_books USING (book)
        WHERE tenant = $1 AND book <> $2 AND day BETWEEN $3 AND $4
    ) AS every GROUP BY day
"""
_LOCK_TENANTS = """
    SELECT pg_advisory_xact_lock($1, hash)
    FROM (SELECT DISTINCT hashtext(tenant) AS hash FROM unnest($2::text[]) AS tenant ORDER BY hash) AS every
"""
_UPSERT_CLAIM = """
    INSERT INTO upshift_claims (tenant, book, held_usd_micros, spent_usd_micros) VALUES ($1, $2, $3, $4)
    ON CONFLICT (tenant, book) DO UPDATE
    SET held_usd_micros = excluded.held_usd_micros, spent_usd_micros = excluded.spent_usd_micros
"""
_ADD_SPENDING = """
    INSERT INTO upshift_spending (tenant, day, usd_micros) VALUES ($1, $2, $3)
    ON CONFLICT (tenant, day) DO UPDATE
    SET usd_micros = upshift_spending.usd_micros + excluded.usd_micros
"""
_SELECT_STATEMENTS = """
    SELECT tenant,
        coalesce(sum(spent) FILTER (WHERE day = $1), 0)::bigint,
        coalesce(sum(held - spent) FILTER (WHERE day = $1), 0)::bigint,
        sum(spent)::bigint, sum(held - spent)::bigint
    FROM (
        SELECT tenant, day, usd_micros AS held, usd_micros AS spent FROM upshift_spending
        WHERE day BETWEEN $2 AND $3
        UNION ALL
        SELECT tenant, day, held_usd_micros, spent_usd_micros
        FROM upshift_claims JOIN upshift_books USING (book)
        WHERE day BETWEEN $2 AND $3
    ) AS every GROUP BY tenant ORDER BY tenant COLLATE "C"
"""
_SELECT_BOOKS = """
    SELECT book, day, extract(epoch FROM now() - heard)::double precision AS silent_s,
        coalesce(sum(held_usd_micros), 0)::bigint, coalesce(sum(spent_usd_micros), 0)::bigint
    FROM upshift_books LEFT JOIN upshift_claims USING (book)
    GROUP BY book, day, heard ORDER BY silent_s DESC, book
"""


class PostgresqlLedger:
    """Fills :class:`router.ledger.base.Ledger` over the database at ``url``. Use from one event loop."""

    def __init__(self, url: str) -> None:
        self._url = url
        # What asyncpg gives and takes has no types.
        self._connection: Any = None
        self._turn = asyncio.Lock()

    async def open(self) -> None:
        """Connect, and make the tables where there are none."""
        async with self._transaction() as do:
            # Two processes that make the same table at once would see each other's half.
            await do.execute("SELECT pg_advisory_xact_lock($1, 0)", _LOCK_SPACE)
            await do.execute(_TABLES)

    async def begin(self, book: str, day: date) -> None:
        """Make a book known."""
        async with self._transaction() as do:
            insert = "INSERT INTO upshift_books (book, day) VALUES ($1, $2) ON CONFLICT DO NOTHING"
            await do.execute(insert, book, day)

    async def claim(self, book: str, claims: Sequence[Claim]) -> tuple[Grant, ...]:
        """Replace what the book has said of these tenants."""
        async with self._transaction() as do:
            day = await _locked_book(do, book)
            if day is None:
                raise LedgerError(f"the ledger does not know the book {book}")
            await do.execute("UPDATE upshift_books SET heard = now() WHERE book = $1", book)
            await _lock_tenants(do, [claim.tenant for claim in claims])
            return tuple([await _claim(do, book, day, claim) for claim in claims])

    async def end(self, book: str, spent_usd_micros: Mapping[str, int] | None) -> None:
        """Count what the book spent for good, and forget it."""
        async with self._transaction() as do:
            day = await _locked_book(do, book)
            if day is None:
                return
            select = "SELECT tenant, held_usd_micros, spent_usd_micros FROM upshift_claims WHERE book = $1"
            told = {tenant: (held, spent) for tenant, held, spent in await do.fetch(select, book)}
            tenants = told.keys() | (spent_usd_micros or {}).keys()
            await _lock_tenants(do, tenants)
            for tenant in sorted(tenants):
                most, least = told.get(tenant, (0, 0))
                amount = most if spent_usd_micros is None else max(least, spent_usd_micros.get(tenant, 0))
                await do.execute(_ADD_SPENDING, tenant, day, amount)
            await do.execute("DELETE FROM upshift_claims WHERE book = $1", book)
            await do.execute("DELETE FROM upshift_books WHERE book = $1", book)

    async def statements(self, day: date) -> tuple[Statement, ...]:
        """Every tenant with money in the month of ``day``."""
        async with self._transaction() as do:
            rows = await do.fetch(_SELECT_STATEMENTS, day, *month_of(day))
        return tuple(Statement(*row) for row in rows)

    async def books(self) -> tuple[OpenBook, ...]:
        """Every book that has not ended."""
        async with self._transaction() as do:
            return tuple(OpenBook(*row) for row in await do.fetch(_SELECT_BOOKS))

    async def release(self, book: str, silent_s: float) -> OpenBook | None:
        """Give back what a silent book holds beyond what it has told to be spent."""
        async with self._transaction() as do:
            if await _locked_book(do, book) is None:
                return None
            found = next(one for row in await do.fetch(_SELECT_BOOKS) if (one := OpenBook(*row)).name == book)
            if found.silent_s < silent_s:
                return None
            update = "UPDATE upshift_claims SET held_usd_micros = spent_usd_micros WHERE book = $1"
            await do.execute(update, book)
            return found

    async def close(self) -> None:
        """Disconnect."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    async def _connected(self) -> Any:
        import asyncpg

        try:
            # No statements are kept prepared: poolers between here and the server do not keep them.
            return await asyncpg.connect(
                self._url, timeout=_TIMEOUT_S, command_timeout=_TIMEOUT_S, statement_cache_size=0
            )
        except ValueError:
            # Its own words may quote the address, and with it the password.
            said = "the ledger's address cannot be read; write postgresql://user:password@host:5432/database"
            raise LedgerError(said) from None

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Any]:
        """Give the connection within a transaction; whatever goes wrong with it ends it."""
        import asyncpg

        async with self._turn:
            try:
                if self._connection is None or self._connection.is_closed():
                    self._connection = await self._connected()
                # Each statement must see what was committed before it, once it has waited for its locks.
                async with self._connection.transaction(isolation="read_committed"):
                    yield self._connection
            except (
                asyncpg.PostgresError,
                asyncpg.InterfaceError,
                asyncpg.InternalClientError,  # where a connection is lost in the middle of something
                OSError,
                TimeoutError,
            ) as exc:
                await self.close()
                raise LedgerError(f"the ledger's database cannot be used: {_said(exc)}") from exc
            except asyncio.CancelledError:
                await self.close()
                raise


def _said(error: Exception) -> str:
    """What the server said of itself; the address and its password are never in it."""
    if isinstance(error, TimeoutError):
        return f"no answer within {_TIMEOUT_S:g} s"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return str(error).splitlines()[0] if str(error) else type(error).__name__


async def _locked_book(connection: Any, book: str) -> date | None:
    """The day of a book that nobody else can end meanwhile; None: it has ended, or never began."""
    found: date | None = await connection.fetchval(
        "SELECT day FROM upshift_books WHERE book = $1 FOR UPDATE", book
    )
    return found


async def _lock_tenants(connection: Any, tenants: Iterable[str]) -> None:
    """Keep others away from these tenants' money; in one order, so that no two wait for each other."""
    await connection.execute(_LOCK_TENANTS, _LOCK_SPACE, list(tenants))


async def _claim(connection: Any, book: str, day: date, claim: Claim) -> Grant:
    rows = await connection.fetch(_SELECT_OTHERS, claim.tenant, book, *month_of(day))
    own = await connection.fetchval(
        "SELECT held_usd_micros FROM upshift_claims WHERE tenant = $1 AND book = $2", claim.tenant, book
    )
    grant = granted(claim, own or 0, day, [DayTotal(*row) for row in rows])
    values = (claim.tenant, book, grant.held_usd_micros, claim.spent_usd_micros)
    await connection.execute(_UPSERT_CLAIM, *values)
    return grant
