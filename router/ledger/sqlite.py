"""The ledger in an SQLite file that the processes of one machine share; off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import TypeVar

from router.ledger.base import Claim, Grant, OpenBook, Statement
from router.ledger.sqlite_store import SqliteStore

T = TypeVar("T")


class SqliteLedger:
    """Fills :class:`router.ledger.base.Ledger` over the file at ``path``."""

    def __init__(self, path: Path) -> None:
        self._store = SqliteStore(path)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        self._is_closed = False

    async def open(self) -> None:
        """Open or create the file."""
        await self._call(self._store.open)

    async def begin(self, book: str, day: date) -> None:
        """Make a book known."""
        await self._call(lambda: self._store.begin(book, day))

    async def claim(self, book: str, claims: Sequence[Claim]) -> tuple[Grant, ...]:
        """Replace what the book has said of these tenants."""
        return await self._call(lambda: self._store.claim(book, claims))

    async def end(self, book: str, spent_usd_micros: Mapping[str, int] | None) -> None:
        """Count what the book spent for good, and forget it."""
        await self._call(lambda: self._store.end(book, spent_usd_micros))

    async def statements(self, day: date) -> tuple[Statement, ...]:
        """Every tenant with money in the month of ``day``."""
        return await self._call(lambda: self._store.statements(day))

    async def books(self) -> tuple[OpenBook, ...]:
        """Every book that has not ended."""
        return await self._call(self._store.books)

    async def release(self, book: str, silent_s: float) -> OpenBook | None:
        """Give back what a silent book holds beyond what it has told to be spent."""
        return await self._call(lambda: self._store.release(book, silent_s))

    async def close(self) -> None:
        """Close the file, and end the thread."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            await self._call(self._store.close)
        finally:
            self._thread.shutdown()

    async def _call(self, action: Callable[[], T]) -> T:
        """Do ``action`` on the ledger's thread, after all that was asked before."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, action)
