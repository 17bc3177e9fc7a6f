"""Carries what tills say to the ledger, and its answers back; opens it once it can be opened.

Decides in which order the ledger hears of a book: that it began, what it claims, that it ended. Raises
LedgerError and leaves it to others when to try again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

from router.ledger.base import Claim, Ledger, LedgerError
from router.ledger.recovery import settle_left_books
from router.ledger.till import Till


class Clerk:
    """Works for one process whose books lie in ``folder``."""

    def __init__(self, ledger: Ledger, folder: Path) -> None:
        self._ledger = ledger
        self._folder = folder
        self._is_open = False

    async def tell(self, till: Till, claims: Sequence[Claim]) -> None:
        """Claim, and let the till know what was granted."""
        try:
            await self._introduce(till)
            grants = await self._ledger.claim(till.book.name, claims)
        except BaseException:
            till.unheard(claims)
            raise
        till.granted({claim.tenant: grant for claim, grant in zip(claims, grants, strict=True)})

    async def end(self, till: Till) -> None:
        """Count for good what a settled till spent; its book goes."""
        await self._introduce(till)
        await self._ledger.end(till.book.name, till.spent_usd_micros())
        # What stays of it is cleared away by the next patrol: the ledger has forgotten the book.
        with suppress(OSError):
            till.book.remove()

    async def patrol(self, kept: Collection[str]) -> None:
        """Settle books that nobody keeps any more; those called ``kept`` are our own."""
        await self._open()
        await settle_left_books(self._folder, self._ledger, kept=kept)

    async def close(self) -> None:
        """Let go of the ledger."""
        with suppress(LedgerError):
            await self._ledger.close()

    async def _introduce(self, till: Till) -> None:
        await self._open()
        if not till.is_known:
            # What the ledger grants to a book that a power cut takes away would be held for ever.
            await asyncio.to_thread(till.sync)
            await self._ledger.begin(till.book.name, till.day)
            till.is_known = True

    async def _open(self) -> None:
        if not self._is_open:
            await self._ledger.open()
            self._is_open = True
