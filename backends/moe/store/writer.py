"""Writes a file of rows that appears whole or not at all."""

from __future__ import annotations

import mmap
import os
import uuid
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch

from backends.moe.store.header import Header, written


class StoreWriter:
    """A store that is being written under a name of its own beside ``target``.

    Fill ``rows``, then ``finish``; or ``abandon``, which after ``finish`` does nothing. Raises
    OSError where the disk is full (before the first row, not half-way) or fails.
    """

    def __init__(self, target: Path, header: Header) -> None:
        self._target = target
        self._header = header
        self._part = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
        self._file = self._part.open("x+b")
        try:
            _allocate(self._file.fileno(), header.file_byte_count)
            self._map = mmap.mmap(self._file.fileno(), header.file_byte_count)
        except OSError:
            self.abandon()
            raise
        flat = np.frombuffer(self._map, np.uint8, offset=header.rows_offset)
        self.rows = torch.from_numpy(flat).view(header.shape.dimensions)

    def finish(self) -> None:
        """Write checksums and header, make all of it last, and give it its name."""
        rows = self.rows.view(-1, self._header.shape.layout.byte_count).numpy()
        checksums = np.array([zlib.crc32(row.data) for row in rows], np.uint32)
        self._map.flush()
        os.fsync(self._file.fileno())
        # After the rows are safe: a header vouches for them.
        os.pwrite(self._file.fileno(), written(self._header, checksums), 0)
        os.fsync(self._file.fileno())
        os.replace(self._part, self._target)
        self._file.close()
        _make_names_last(self._target.parent)

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._file.close()
        self._part.unlink(missing_ok=True)


def remove_leftovers(target: Path) -> None:
    """Remove what writers of ``target`` left that were killed; call it only where none is at work."""
    for part in target.parent.glob(f".{target.name}.*.part"):
        part.unlink(missing_ok=True)


def _allocate(file: int, byte_count: int) -> None:
    # A mapped file that runs out of disk kills the process; better to know at once.
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, byte_count)
    else:
        os.truncate(file, byte_count)


def _make_names_last(folder: Path) -> None:
    with suppress(OSError):  # not every file system has it
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
