"""What is done with the books of processes that ended."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from router.ledger.base import Ceiling, Claim, LedgerError, Statement
from router.ledger.book import Book, book_path
from router.ledger.recovery import settle_left_books
from tests.router.ledger.conftest import NewLedger
from tests.router.ledger.faulty import FaultyLedger

TODAY = date(2026, 11, 27)


async def left_book(new_ledger: NewLedger, folder: Path) -> tuple[FaultyLedger, Book]:
    """A book of a process that died: 30 spent of what is settled, 100 open, 500 held."""
    ledger = FaultyLedger(new_ledger())
    book = Book(folder, TODAY)
    book.open()
    await ledger.open()
    await ledger.begin(book.name, TODAY)
    await ledger.claim(book.name, [Claim("acme", 0, 500, Ceiling(1000))])
    book.settle(book.reserve("acme", 200), 30)
    book.reserve("acme", 100)
    return ledger, book


def left(folder: Path) -> set[str]:
    """Files of books."""
    return {path.name for path in folder.iterdir() if path.suffix in (".book", ".lock")}


async def spent(ledger: FaultyLedger) -> tuple[Statement, ...]:
    return await ledger.statements(TODAY)


async def test_settled_at_its_cost_and_open_at_its_worst(new_ledger: NewLedger, tmp_path: Path) -> None:
    """Then nothing is left of the book, and nothing is held."""
    ledger, book = await left_book(new_ledger, tmp_path)
    book.leave()
    assert await settle_left_books(tmp_path, ledger) == 1
    assert await spent(ledger) == (Statement("acme", 130, 0, 130, 0),)
    assert left(tmp_path) == set()


async def test_the_book_of_a_living_process_is_left_alone(new_ledger: NewLedger, tmp_path: Path) -> None:
    """Its lock is held."""
    ledger, book = await left_book(new_ledger, tmp_path)
    assert await settle_left_books(tmp_path, ledger) == 0
    assert await spent(ledger) == (Statement("acme", 0, 500, 0, 500),)
    book.leave()


@pytest.mark.parametrize("fault", ["is_down", "loses_answers"])
async def test_a_settlement_that_fails_is_done_again(
    new_ledger: NewLedger, tmp_path: Path, fault: str
) -> None:
    """Counted once, whether the ledger had heard of it or not."""
    ledger, book = await left_book(new_ledger, tmp_path)
    book.leave()
    setattr(ledger, fault, True)
    with pytest.raises(LedgerError):
        await settle_left_books(tmp_path, ledger)
    assert book_path(tmp_path, book.name).exists()
    setattr(ledger, fault, False)
    await settle_left_books(tmp_path, ledger)
    assert await spent(ledger) == (Statement("acme", 130, 0, 130, 0),)


async def test_of_a_damaged_book_all_that_was_held_is_spent(
    new_ledger: NewLedger, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Money is never made by damage."""
    ledger, book = await left_book(new_ledger, tmp_path)
    book.leave()
    book_path(tmp_path, book.name).write_bytes(b"\0" * 100 + b"\n")
    await settle_left_books(tmp_path, ledger)
    assert await spent(ledger) == (Statement("acme", 500, 0, 500, 0),)
    assert "damaged" in caplog.text


async def test_a_lock_without_a_book_is_cleared_away(new_ledger: NewLedger, tmp_path: Path) -> None:
    """Another process settled it in between; the ledger forgot it with that."""
    ledger, book = await left_book(new_ledger, tmp_path)
    book.remove()
    await ledger.end(book.name, {"acme": 1})
    (tmp_path / f"{book.name}.lock").touch()
    await settle_left_books(tmp_path, ledger)
    assert await spent(ledger) == (Statement("acme", 1, 0, 1, 0),)
    assert left(tmp_path) == set()


async def test_no_folder_is_no_trouble(new_ledger: NewLedger, tmp_path: Path) -> None:
    """There was no process yet."""
    assert await settle_left_books(tmp_path / "none", new_ledger()) == 0
