"""Remembers a model file that killed its worker, so that it is not tried again and again."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from backends.errors import Unavailable

# It may have been for want of memory, which passes.
_LASTS_S = 600.0


class Suspicion:
    """Holds against at most one file; until it changes, or ten minutes have passed."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._identity: tuple[int, ...] = ()
        self._ends_s = 0.0
        self._error: Unavailable | None = None

    def raise_against(self, path: Path, error: Unavailable) -> None:
        """Begin to suspect ``path``, for ``error``."""
        self._identity = identity_of(path)
        self._ends_s = self._clock() + _LASTS_S
        self._error = error

    def check(self, path: Path) -> None:
        """Raise Unavailable where ``path`` is under suspicion."""
        if self._error is not None and self._clock() < self._ends_s and identity_of(path) == self._identity:
            raise Unavailable(f"{self._error}; it is not tried again until the file changes or 10 min pass")


def identity_of(path: Path) -> tuple[int, ...]:
    """What changes when the file at ``path`` does."""
    status = path.stat()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
