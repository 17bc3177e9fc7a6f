"""A process's own record of one day: what it reserved, before a request begins, and what was spent.

A file of lines that are only ever added to, and a lock beside it that is free once the process has ended,
however it ended. A line is in the system's hands when its method returns, so the end of the process loses
none; a power cut loses those since the last ``sync``. Refuses to know what money there is.

::

    upshift-book 1 2026-11-27         version and day
    R 7 1200 "acme"                   reservation 7: 1200 millionths of a US dollar, of tenant acme
    S 7 310                           it was settled: 310 were spent
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import sys
from collections import deque
from datetime import date
from pathlib import Path

from router.tenants.file_lock import FileLock

HEADER = "upshift-book 1 "
_FULL_BYTE_COUNT = 8 << 20
"""Then the process begins another one: some 200,000 requests, read in under a second."""


class Book:
    """One book in ``folder``, known by its ``name``. Methods raise OSError."""

    def __init__(self, folder: Path, day: date) -> None:
        self.name = secrets.token_hex(8)
        self.day = day
        self._path = book_path(folder, self.name)
        self._lock = FileLock(lock_path(folder, self.name))
        self._file: int | None = None
        self._byte_count = 0
        self._last_number = 0
        self._late: deque[bytes] = deque()
        self._is_synced = True
        self._is_listed = False
        self._is_broken = False

    def open(self) -> None:
        """Make the file, and hold its lock."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._lock.try_acquire():
            raise OSError(f"the lock of the new book {self._path} is taken")
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL
        try:
            self._file = os.open(self._path, flags, 0o600)
            self._write(f"{HEADER}{self.day.isoformat()}\n".encode())
        except OSError:
            self.remove()
            raise

    @property
    def is_full(self) -> bool:
        """Whether another one should be begun."""
        return self._is_broken or self._byte_count >= _FULL_BYTE_COUNT

    def reserve(self, tenant: str, amount_usd_micros: int) -> int:
        """Note a reservation and return its number."""
        self._write_late()
        number = self._last_number + 1
        self._write(f"R {number} {amount_usd_micros} {json.dumps(tenant)}\n".encode())
        self._last_number = number
        return number

    def settle(self, number: int, spent_usd_micros: int) -> None:
        """Note what was spent; a line that cannot be written now is written before the next one."""
        self._late.append(f"S {number} {spent_usd_micros}\n".encode())
        self._write_late()

    def sync(self) -> None:
        """Have it on the disk; may take milliseconds, and may run beside the other methods."""
        if not self._is_synced and self._file is not None:
            self._is_synced = True
            try:
                os.fsync(self._file)
                if not self._is_listed:
                    _sync_folder(self._path.parent)
                    self._is_listed = True
            except OSError:
                self._is_synced = False
                raise

    def remove(self) -> None:
        """Let go of it and have it gone: all that it says is in the ledger."""
        self._close()
        self._path.unlink(missing_ok=True)
        self._lock.release(and_remove=True)

    def leave(self) -> None:
        """Let go of it, for whoever settles it later."""
        self._close()
        self._lock.release()

    def _close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _write_late(self) -> None:
        while self._late:
            self._write(self._late[0])
            self._late.popleft()

    def _write(self, line: bytes) -> None:
        """Add a line, or nothing of it."""
        if self._file is None:
            raise OSError(errno.EBADF, "the book is closed")
        if self._is_broken:
            raise OSError(errno.EIO, "half a line was written, and could not be taken back")
        self._is_synced = False
        # A write that the disk is full for may be cut short, or refused.
        if (written := os.write(self._file, line)) < len(line):
            self._is_broken = True
            os.ftruncate(self._file, self._byte_count)
            self._is_broken = False
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._byte_count += written


def _sync_folder(folder: Path) -> None:
    """Have the names in ``folder`` on the disk; does nothing on Windows."""
    if sys.platform != "win32":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def book_path(folder: Path, name: str) -> Path:
    """Where the book called ``name`` lies."""
    return folder / f"{name}.book"


def lock_path(folder: Path, name: str) -> Path:
    """Where its lock lies."""
    return folder / f"{name}.lock"
