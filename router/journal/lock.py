"""One writing process a journal: a lock that the system releases when its holder ends, however it ends.

SQLite copes with several writers, but before 3.51.3 two connections that reset the write-ahead log
at once could damage the file.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO

from router.journal.errors import JournalError


class WriterLock:
    """Held from ``acquire`` to ``release``, on a file beside the journal. Does nothing on Windows."""

    def __init__(self, journal: Path) -> None:
        self._path = journal.with_name(journal.name + "-lock")
        self._file: IO[bytes] | None = None

    def acquire(self) -> None:
        """Take the lock. Raises JournalError where another process has it, OSError where no file can be."""
        if sys.platform == "win32":
            return
        import fcntl

        self._file = self._path.open("wb")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            self.release()
            raise JournalError("another process writes to it; give each its own journal.path") from exc

    def release(self) -> None:
        """Let others write. Does nothing where the lock is not held."""
        if self._file is not None:
            self._file.close()
            self._file = None
