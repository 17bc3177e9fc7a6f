"""Rows in a file: mapped, or read from disk each time; each row is checked when it has first been read whole.

One that comes in two parts, as that of a little expert does which is completed later, is checked with the
second.
"""

from __future__ import annotations

import mmap
import os
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from backends.moe.errors import DamagedStore
from backends.moe.store.header import Checksums, read_header
from backends.moe.store.layout import ROW_ALIGNMENT
from backends.moe.store.tiers import Bytes, MemoryTier, PinnedTier, TierName

# Reads that NVMe disks answer at once; more gained nothing up to 3 MB a row.
_READER_COUNT = 4


class Checks:
    """Compares rows with their checksums, each once."""

    def __init__(self, path: Path, checksums: Checksums, expert_count: int) -> None:
        self._path = path
        self._checksums = checksums
        self._expert_count = expert_count
        self._seen = np.zeros(len(checksums), bool)
        self._begun: dict[int, tuple[int, int]] = {}

    def check(self, layer: int, expert: int, span: slice, target: Bytes) -> None:
        """Take in ``target[span]``, just read, of a whole row; the first part before what follows it.

        Raises DamagedStore where it completes a row that is not what was written; the file goes, to be
        rebuilt.
        """
        place = layer * self._expert_count + expert
        if self._seen[place]:
            return
        end, checksum = (0, 0) if span.start == 0 else self._begun.get(place, (0, 0))
        if span.start != end:
            return
        checksum = zlib.crc32(target[span].data, checksum)
        if span.stop < len(target):
            self._begun[place] = span.stop, checksum
            return
        self._begun.pop(place, None)
        if checksum != self._checksums[place]:
            self._path.unlink(missing_ok=True)
            raise DamagedStore(
                f"expert {expert} of layer {layer} in {self._path} is damaged; the file was removed: "
                "start again, and it is converted anew"
            )
        self._seen[place] = True


class MappedTier(MemoryTier):
    """Rows of a file in the system's page cache, as far as memory goes."""

    def __init__(self, path: Path) -> None:
        header, checksums = read_header(path)
        self._checks = Checks(path, checksums, header.shape.expert_count)
        super().__init__(header.shape, _mapped(path, header.rows_offset))

    def read(self, layer: int, expert: int, span: slice, target: Bytes) -> None:
        """See :class:`Tier`; raises DamagedStore."""
        super().read(layer, expert, span, target)
        self._checks.check(layer, expert, span, target)


class DiskTier:
    """Rows of a file, read past the page cache where the file system allows it."""

    name: TierName = "ssd"
    reader_count = _READER_COUNT

    def __init__(self, path: Path) -> None:
        header, checksums = read_header(path)
        self.shape = header.shape
        self._checks = Checks(path, checksums, header.shape.expert_count)
        self._offset = header.rows_offset
        self._file = _open_direct(path)

    def read(self, layer: int, expert: int, span: slice, target: Bytes) -> None:
        """See :class:`Tier`; reads whole pages, so ``target`` is best aligned to them."""
        row = layer * self.shape.expert_count + expert
        start = span.start // ROW_ALIGNMENT * ROW_ALIGNMENT
        stop = min(-(-span.stop // ROW_ALIGNMENT) * ROW_ALIGNMENT, len(target))
        wanted = target[start:stop]
        # Direct reads want pages; who reads elsewhere pays a copy.
        direct = wanted if wanted.ctypes.data % ROW_ALIGNMENT == 0 else _pages(len(wanted))
        _read_fully(self._file, direct, self._offset + row * len(target) + start)
        if direct is not wanted:
            np.copyto(wanted, direct)
        self._checks.check(layer, expert, span, target)

    def rows(self, layer: int) -> None:
        """See :class:`Tier`: they are not in memory."""

    def close(self) -> None:
        """Close the file."""
        if self._file >= 0:
            os.close(self._file)
        self._file = -1


def pinned_from(path: Path, advance: Callable[[int], object] = lambda _: None) -> PinnedTier:
    """Read a store into pinned memory, each row checked; ``advance`` hears of bytes."""
    mapped = MappedTier(path)
    shape = mapped.shape
    rows = torch.empty(shape.byte_count, dtype=torch.uint8)
    whole = slice(0, shape.layout.byte_count)
    for place, row in enumerate(rows.view(-1, shape.layout.byte_count).numpy()):
        mapped.read(*divmod(place, shape.expert_count), whole, row)
        advance(len(row))
    return PinnedTier(shape, rows)


def _mapped(path: Path, offset: int) -> torch.Tensor:
    with path.open("rb") as file:
        # A private map may be written to, which torch wants; nobody does, so no page is ever copied.
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    return torch.from_numpy(np.frombuffer(content, np.uint8, offset=offset))


def _pages(byte_count: int) -> Bytes:
    return np.frombuffer(mmap.mmap(-1, byte_count), np.uint8)


def _open_direct(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | getattr(os, "O_DIRECT", 0))
    except OSError:
        return os.open(path, os.O_RDONLY)


def _read_fully(file: int, target: Bytes, offset: int) -> None:
    done = 0
    while done < len(target):
        count = os.preadv(file, [target[done:].data], offset + done)
        if count == 0:
            raise OSError("the store ended early; did another program cut it?")
        done += count
