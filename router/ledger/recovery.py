"""Settles what processes left behind that ended without settling it themselves.

Only a book whose lock nobody holds is touched, and it is held meanwhile. The ledger hears of it before the
files go, and hears it only once: it forgets a book with the same stroke that counts it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from pathlib import Path

from router.ledger.base import Ledger, LedgerError
from router.ledger.book import book_path, lock_path
from router.ledger.tally import BookUnreadable, Tally, read_book
from router.tenants.file_lock import FileLock

_LOG = logging.getLogger(__name__)


async def settle_left_books(folder: Path, ledger: Ledger, *, kept: Collection[str] = ()) -> int:
    """Settle every book in ``folder`` that nobody keeps any more; return how many. Raises LedgerError.

    Those called ``kept`` are the caller's own.
    """
    count = 0
    try:
        for path in await asyncio.to_thread(lambda: sorted(folder.glob("*.lock"))):
            if path.stem not in kept:
                count += await _settle(folder, path.stem, ledger)
    except OSError as exc:
        raise LedgerError(f"books of ended processes cannot be settled: {exc}") from exc
    return count


async def _settle(folder: Path, name: str, ledger: Ledger) -> bool:
    lock = FileLock(lock_path(folder, name))
    if not lock.try_acquire():
        return False
    is_done = False
    try:
        tally = await asyncio.to_thread(_read, folder, name)
        await ledger.end(name, None if tally is None else tally.worst_usd_micros())
        book_path(folder, name).unlink(missing_ok=True)
        is_done = True
    finally:
        lock.release(and_remove=is_done)
    return tally is not None


def _read(folder: Path, name: str) -> Tally | None:
    """Read a book; None where it cannot be told what was spent. One that is gone was settled before."""
    try:
        tally = read_book(book_path(folder, name))
    except FileNotFoundError:
        return None
    except BookUnreadable as exc:
        _LOG.error("%s; all the money that its process held counts as spent", exc)
        return None
    open_count = len(tally.unsettled_usd_micros)
    _LOG.warning(
        "settling the book %s of a process that ended; tenants with open requests: %d", name, open_count
    )
    return tally
