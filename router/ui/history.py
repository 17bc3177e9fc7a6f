"""The journal as the pages read it: on a thread of its own, read-only, one look at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from router.journal import Audit, Record, browse

T = TypeVar("T")


class History:
    """The journal at ``path``, None: there is none; ``count`` newest requests are what is reckoned from.

    All but ``exists`` and ``close`` raise JournalError, and want a journal.
    """

    def __init__(self, path: Path | None, count: int) -> None:
        self.path = path
        self.count = count
        self._thread = ThreadPoolExecutor(1, "ui-history")

    @property
    def exists(self) -> bool:
        """Whether there is a journal to look into."""
        return self.path is not None and self.path.exists()

    async def page(self, wanted: browse.Wanted, count: int, before_row: int | None) -> browse.Page:
        """Find requests; see :func:`router.journal.browse.page`."""
        return await self.read(lambda path: browse.page(path, wanted, count, before_row))

    async def one(self, request_id: str) -> Record | None:
        """Find a request by its id."""
        return await self.read(lambda path: browse.one(path, request_id))

    async def audits(self, count: int) -> tuple[Audit, ...]:
        """The newest audits, newest first."""
        return await self.read(lambda path: browse.audits(path, count))

    async def tenants(self) -> tuple[str, ...]:
        """Tenants among the newest requests."""
        return await self.read(browse.tenants)

    async def reckon(self, of: Callable[[tuple[Record, ...]], T]) -> T:
        """Reckon ``of`` the newest requests, on the journal's thread."""
        return await self.read(lambda path: of(browse.newest(path, self.count)))

    async def read(self, of: Callable[[Path], T]) -> T:
        """Do ``of`` the journal's file on the thread."""
        assert self.path is not None, "there is no journal to read"
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(of, self.path))

    def close(self) -> None:
        """Let the thread go."""
        self._thread.shutdown(wait=False, cancel_futures=True)
