"""States of what was read before, in files: a tier of the prefix cache that outlives the process.

The folder may serve several engines and processes. Each sees only states of its own layout; all of
them together keep to one limit, and those used longest ago go first. Writing is done by a thread
of its own, so that no answer waits for a disk; where the disk is too slow, states are left out.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from queue import Full, Queue

import numpy as np

from backends.errors import Unavailable
from backends.llamacpp.engine.slots import State
from backends.llamacpp.engine.state_file import (
    PART_SUFFIX,
    SUFFIX,
    StateFile,
    name_of,
    read_header,
    read_state,
    write_state,
)
from backends.serving.prefix_cache import Match, Tokens, common_length

logger = logging.getLogger(__name__)
# States that wait to be written; each may be 100 MB.
_WAITING_COUNT = 3
_MAX_FILE_COUNT = 4096
# No write takes that long.
_LEFT_AFTER_S = 3600.0

_Job = tuple[Tokens, State, str | None]


class DiskCache:
    """States in ``folder``, whose files take at most ``byte_limit`` bytes.

    ``layout`` (hexadecimal) tells engines apart whose states do not fit each other. Close it: that
    waits for what is still to be written.
    """

    def __init__(self, folder: Path, layout: str, byte_limit: int) -> None:
        """Store; :meth:`open` opens one."""
        self._folder = folder
        self._layout = layout
        self._byte_limit = byte_limit
        self._files: dict[Path, StateFile] = {}
        self._lock = threading.Lock()
        self._jobs: Queue[_Job | None] = Queue(_WAITING_COUNT)
        self._writer = threading.Thread(target=self._write_all, name="prefix cache", daemon=True)

    @classmethod
    def open(cls, folder: Path, layout: str, byte_limit: int) -> DiskCache:
        """Look through ``folder``, making it where it is missing; raises Unavailable if it cannot be used."""
        cache = cls(folder, layout, byte_limit)
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not os.access(folder, os.W_OK | os.X_OK):
                raise PermissionError(13, "it may not be written")
            cache._clear_up()
            for path in sorted(folder.glob(f"{layout[:16]}-*{SUFFIX}")):
                cache._find(path)
        except OSError as exc:
            raise Unavailable(
                f"the tier's option 'prefix_cache_path' {folder} cannot be used: {exc.strerror or exc}"
            ) from exc
        cache._writer.start()
        return cache

    def longer(self, tokens: Sequence[int], adapter: str | None, than: int) -> Match[State] | None:
        """Read the state that shares the longest beginning with ``tokens``, if that is longer than ``than``.

        Takes 0.1 s for 100 MB. A file that is not as it was written is deleted, and the next one read.
        """
        wanted = np.asarray(tokens, np.int32)
        while (found := self._longest(wanted, adapter, than)) is not None:
            length, file = found
            try:
                state = read_state(file)
                os.utime(file.path)
                return Match(length, len(file.tokens), state)
            except FileNotFoundError:  # it had to make room
                self._drop(file.path)
            except (OSError, ValueError) as exc:
                self._drop(file.path, exc)
        return None

    def keep(self, tokens: Sequence[int], state: State, adapter: str | None) -> None:
        """Have ``state`` written, if it is not there, and what it contains deleted; returns at once."""
        kept = np.asarray(tokens, np.int32)
        with self._lock:
            if self._folder / name_of(self._layout, adapter, kept) in self._files:
                return
        with contextlib.suppress(Full):
            self._jobs.put_nowait((kept, state, adapter))

    def close(self) -> None:
        """Write what waits to be written, and end."""
        self._jobs.put(None)
        self._writer.join()

    def _longest(self, wanted: Tokens, adapter: str | None, than: int) -> tuple[int, StateFile] | None:
        with self._lock:
            files = [file for file in self._files.values() if file.header.adapter == adapter]
        lengths = [common_length(file.tokens, wanted) for file in files]
        best = max(range(len(files)), key=lengths.__getitem__, default=None)
        return None if best is None or lengths[best] <= than else (lengths[best], files[best])

    def _write_all(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                self._write(*job)
            except OSError as exc:
                logger.warning("a state is not kept in %s: %s", self._folder, exc.strerror or exc)

    def _write(self, tokens: Tokens, state: State, adapter: str | None) -> None:
        need = state.nbytes + tokens.nbytes
        if need > self._byte_limit:
            return
        self._make_room(need)
        file = write_state(self._folder, self._layout, adapter, tokens, state)
        with self._lock:
            contained = [
                path
                for path, other in self._files.items()
                if other.header.adapter == adapter
                and len(other.tokens) < len(tokens)
                and common_length(other.tokens, tokens) == len(other.tokens)
            ]
            self._files[file.path] = file
        for path in contained:
            self._drop(path)

    def _make_room(self, need: int) -> None:
        """Delete files of any engine, those used longest ago first, until ``need`` bytes more fit."""
        files = sorted(self._sizes())
        total = sum(size for _, size, _ in files) + need
        while files and (total > self._byte_limit or len(files) >= _MAX_FILE_COUNT):
            _, size, path = files.pop(0)
            self._drop(path)
            total -= size

    def _sizes(self) -> Iterator[tuple[float, int, Path]]:
        for path in self._folder.glob(f"*{SUFFIX}"):
            with contextlib.suppress(FileNotFoundError):  # another process was quicker
                status = path.stat()
                yield status.st_mtime, status.st_size, path

    def _clear_up(self) -> None:
        """Delete what processes that died have left half written."""
        for path in self._folder.glob(f"*{PART_SUFFIX}"):
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < time.time() - _LEFT_AFTER_S:
                    path.unlink()

    def _find(self, path: Path) -> None:
        try:
            file = read_header(path)
        except ValueError as exc:
            self._drop(path, exc)
            return
        if file.header.layout == self._layout:
            self._files[path] = file

    def _drop(self, path: Path, reason: Exception | None = None) -> None:
        """Delete a file and forget it; ``reason``: what is wrong with it, None: it is not needed."""
        if reason is not None:
            logger.warning("%s is no state that can be used and is deleted: %s", path, reason)
        with self._lock:
            self._files.pop(path, None)
        with contextlib.suppress(OSError):
            path.unlink()
