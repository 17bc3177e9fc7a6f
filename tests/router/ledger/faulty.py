"""A ledger that fails, stalls or loses its answer when a test says so."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date

from router.ledger.base import Claim, Grant, Ledger, LedgerError, OpenBook, Statement


class FaultyLedger:
    """Passes everything on to ``inner``, unless told otherwise; ``calls`` names what was asked."""

    def __init__(self, inner: Ledger) -> None:
        self.inner = inner
        self.is_down = False
        self.loses_answers = False
        self.calls: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def _ask(self, call: str) -> None:
        self.calls.append(call)
        await self.gate.wait()
        if self.is_down:
            raise LedgerError("the ledger is down")

    def _answer(self) -> None:
        if self.loses_answers:
            raise LedgerError("the answer was lost")

    async def open(self) -> None:
        """Open it."""
        await self._ask("open")
        await self.inner.open()

    async def begin(self, book: str, day: date) -> None:
        """Make a book known."""
        await self._ask("begin")
        await self.inner.begin(book, day)
        self._answer()

    async def claim(self, book: str, claims: Sequence[Claim]) -> tuple[Grant, ...]:
        """Claim."""
        await self._ask("claim")
        grants = await self.inner.claim(book, claims)
        self._answer()
        return grants

    async def end(self, book: str, spent_usd_micros: Mapping[str, int] | None) -> None:
        """End a book."""
        await self._ask("end")
        await self.inner.end(book, spent_usd_micros)
        self._answer()

    async def statements(self, day: date) -> tuple[Statement, ...]:
        """Say how tenants stand."""
        return await self.inner.statements(day)

    async def books(self) -> tuple[OpenBook, ...]:
        """Say what books there are."""
        return await self.inner.books()

    async def release(self, book: str, silent_s: float) -> OpenBook | None:
        """Release a book."""
        return await self.inner.release(book, silent_s)

    async def close(self) -> None:
        """Close it."""
        await self.inner.close()
