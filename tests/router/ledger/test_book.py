"""Books: what is written is what is read, also after half a line, a full disk, and damage."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.ledger.book import Book, book_path, lock_path
from router.ledger.tally import BookUnreadable, read_book
from router.tenants.file_lock import FileLock

TODAY = date(2026, 11, 27)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    made = Book(tmp_path / "books", TODAY)
    made.open()
    yield made
    made.leave()


def path(book: Book, tmp_path: Path) -> Path:
    return book_path(tmp_path / "books", book.name)


def test_what_is_written_is_what_is_read(book: Book, tmp_path: Path) -> None:
    """Settled requests count what they cost, open ones what was reserved."""
    first, _ = book.reserve("é\n\"'", 100), book.reserve("acme", 50)
    book.settle(first, 30)
    book.reserve("acme", 5)
    tally = read_book(path(book, tmp_path))
    assert tally.day == TODAY
    assert tally.worst_usd_micros() == {"é\n\"'": 30, "acme": 55}


def test_its_lock_is_held_until_it_is_let_go(book: Book, tmp_path: Path) -> None:
    """Others can tell by it whether its process still works on it."""
    lock = FileLock(lock_path(tmp_path / "books", book.name))
    assert not lock.try_acquire()
    book.leave()
    assert lock.try_acquire()
    lock.release()


def test_a_removed_book_leaves_nothing(book: Book, tmp_path: Path) -> None:
    """Neither itself nor its lock."""
    book.reserve("acme", 1)
    book.remove()
    assert list((tmp_path / "books").iterdir()) == []


def test_a_torn_last_line_does_not_count(book: Book, tmp_path: Path) -> None:
    """It was never acted upon."""
    book.reserve("acme", 100)
    with path(book, tmp_path).open("ab") as file:
        file.write(b'R 2 900 "ac')
    assert read_book(path(book, tmp_path)).worst_usd_micros() == {"acme": 100}


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n",
        b"upshift-book 2 2026-11-27\n",
        b"upshift-book 1 someday\n",
        b"upshift-book 1 2026-11-27\nX 1 2\n",
        b"upshift-book 1 2026-11-27\nS 1 2\n",
        b'upshift-book 1 2026-11-27\nR 1 two "acme"\n',
        b"upshift-book 1 2026-11-27\nR 1 2 acme\n",
        b'upshift-book 1 2026-11-27\nR 1 2 "\xff"\n',
    ],
)
def test_damage_is_found(tmp_path: Path, text: bytes) -> None:
    """What cannot be read must not be taken for nothing spent."""
    (tmp_path / "x.book").write_bytes(text)
    with pytest.raises(BookUnreadable, match=r"x\.book is damaged"):
        read_book(tmp_path / "x.book")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_book_or_damaged(tmp_path_factory: pytest.TempPathFactory, text: bytes) -> None:
    """No other error comes out of reading."""
    file = tmp_path_factory.getbasetemp() / "any.book"
    file.write_bytes(b'upshift-book 1 2026-11-27\nR 1 5 "acme"\n' + text)
    with suppress(BookUnreadable):
        assert read_book(file).day == TODAY


class Disk:
    """Stands for ``os.write`` on a disk with ``room`` bytes left; it writes what fits."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.room = 0
        self._write = os.write
        monkeypatch.setattr("router.ledger.book.os.write", self)

    def __call__(self, file: int, data: bytes) -> int:
        if not self.room:
            raise OSError(28, "No space left on device")
        written = self._write(file, data[: self.room])
        self.room -= written
        return written


def test_a_full_disk_leaves_whole_lines(book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reservation that cannot be noted is none; a settlement is noted once there is room."""
    first = book.reserve("acme", 100)
    disk = Disk(monkeypatch)
    disk.room = 3
    for _ in range(2):
        with pytest.raises(OSError, match="No space left"):
            book.reserve("acme", 50)
    with pytest.raises(OSError, match="No space left"):
        book.settle(first, 30)
    assert read_book(path(book, tmp_path)).worst_usd_micros() == {"acme": 100}
    disk.room = 1000
    book.reserve("acme", 7)
    assert read_book(path(book, tmp_path)).worst_usd_micros() == {"acme": 37}


def test_half_a_line_that_stays_ends_the_book(
    book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written behind it, and another book has to be begun."""
    book.reserve("acme", 100)
    disk = Disk(monkeypatch)
    disk.room = 3

    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("router.ledger.book.os.ftruncate", fail)
    with pytest.raises(OSError, match="Input/output"):
        book.reserve("acme", 50)
    disk.room = 1000
    with pytest.raises(OSError, match="half a line"):
        book.reserve("acme", 1)
    assert book.is_full
    assert read_book(path(book, tmp_path)).worst_usd_micros() == {"acme": 100}


def test_a_closed_book_takes_nothing(book: Book) -> None:
    """Whoever is late hears of it."""
    book.leave()
    with pytest.raises(OSError, match="closed"):
        book.settle(1, 1)


def test_a_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    """The error is the system's."""
    (tmp_path / "books").write_text("a file")
    with pytest.raises(OSError, match="exists"):
        Book(tmp_path / "books", TODAY).open()


def test_syncing_what_has_not_changed_does_nothing(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is asked only where there is something new, and again where it failed."""
    synced: list[int] = []
    monkeypatch.setattr("router.ledger.book.os.fsync", synced.append)
    book.reserve("acme", 1)
    for _ in range(3):
        book.sync()
    assert len(synced) == 2, "the file, and once the folder that it is listed in"
    book.reserve("acme", 1)
    book.sync()
    assert len(synced) == 3

    def fail(_: int) -> None:
        raise OSError(5, "Input/output error")

    book.reserve("acme", 1)
    monkeypatch.setattr("router.ledger.book.os.fsync", fail)
    for _ in range(2):
        with pytest.raises(OSError, match="Input/output"):
            book.sync()
