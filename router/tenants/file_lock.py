"""A lock between processes that the system releases when its holder ends, however it ends.

Does nothing on Windows, where one process is all that is supported.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_POLL_INTERVAL_S = 0.002


class FileLock:
    """Held from a successful ``try_acquire`` to ``release``, on a file of its own at ``path``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    def try_acquire(self) -> bool:
        """Take the lock unless another holds it. Raises OSError where no file can be."""
        file = open(self._path, "ab", opener=_private)  # noqa: SIM115 - held until released
        if sys.platform != "win32":
            import fcntl

            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                return False
        self._file = file
        return True

    def release(self, *, and_remove: bool = False) -> None:
        """Let others have it. Does nothing where it is not held."""
        if self._file is not None:
            if and_remove:
                self._path.unlink(missing_ok=True)
            self._file.close()
            self._file = None


@contextmanager
def locked(path: Path, timeout_s: float) -> Iterator[None]:
    """Hold the lock at ``path``, waiting on this thread. Raises TimeoutError, or OSError for no file."""
    lock = FileLock(path)
    ends_s = time.monotonic() + timeout_s
    while not lock.try_acquire():
        if time.monotonic() >= ends_s:
            raise TimeoutError(f"another process has held {path} for {timeout_s:g} s")
        time.sleep(_POLL_INTERVAL_S)
    try:
        yield
    finally:
        lock.release()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
