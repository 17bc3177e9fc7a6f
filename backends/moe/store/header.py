"""How a file of rows begins: what is in it, for which checkpoint, and a checksum of every row.

::

    magic | length of the JSON | SHA-256 of the JSON | JSON | CRC-32 of each row | padding | rows

Rows begin at a multiple of 4096 bytes, those of a layer after one another. The header is written
last; a file without it is no store.
"""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from backends.moe.errors import DamagedStore
from backends.moe.store.layout import ROW_ALIGNMENT, ExpertShape, RowLayout
from backends.moe.store.tiers import StoreShape

VERSION = 1
_MAGIC = b"UPSHIFT-EXPERTS\n"
_START = struct.Struct("<16sQ32s")
Checksums = npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Header:
    """What a store holds. ``model`` identifies the checkpoint: a hash of its files, or a commit."""

    model: str
    shape: StoreShape

    @property
    def rows_offset(self) -> int:
        """Where the first row begins."""
        end = _START.size + len(_json(self)) + 4 * self.row_count
        return -(-end // ROW_ALIGNMENT) * ROW_ALIGNMENT

    @property
    def row_count(self) -> int:
        """Rows in the file."""
        return self.shape.layer_count * self.shape.expert_count

    @property
    def file_byte_count(self) -> int:
        """Bytes of the whole file."""
        return self.rows_offset + self.shape.byte_count

    @property
    def key(self) -> str:
        """Hash of all that it says, 16 hexadecimal digits: stores that differ have different names."""
        return hashlib.sha256(_json(self)).hexdigest()[:16]


def written(header: Header, checksums: Checksums) -> bytes:
    """Return the bytes before the first row; ``checksums``: (rows,)."""
    text = _json(header)
    start = _START.pack(_MAGIC, len(text), hashlib.sha256(text).digest())
    return (start + text + checksums.astype("<u4").tobytes()).ljust(header.rows_offset, b"\0")


def read_header(path: Path) -> tuple[Header, Checksums]:
    """Read what is in the store at ``path``; raises DamagedStore, and OSError where it cannot be read."""
    with path.open("rb") as file:
        header = _parsed(path, file.read(_START.size), file.read(1 << 16))
        file.seek(_START.size + len(_json(header)))
        checksums = np.frombuffer(file.read(4 * header.row_count), "<u4")
        size = file.seek(0, 2)
    if size != header.file_byte_count:
        raise DamagedStore(f"{path} has {size} bytes and should have {header.file_byte_count}")
    return header, checksums


def _parsed(path: Path, start: bytes, rest: bytes) -> Header:
    if len(start) < _START.size or not start.startswith(_MAGIC):
        raise DamagedStore(f"{path} is not a store of experts, or was never finished")
    _, length, digest = _START.unpack(start)
    text = rest[:length]
    if hashlib.sha256(text).digest() != digest:
        raise DamagedStore(f"the header of {path} is damaged")
    found = json.loads(text)
    if found["version"] != VERSION:
        raise DamagedStore(f"{path} has version {found['version']} of the format; this is {VERSION}")
    layout = RowLayout(
        ExpertShape(**found["expert"]), found["scheme"], getattr(torch, found["dtype"]), found["group_size"]
    )
    return Header(found["model"], StoreShape(layout, found["layer_count"], found["expert_count"]))


def _json(header: Header) -> bytes:
    layout = header.shape.layout
    content: dict[str, Any] = {
        "version": VERSION,
        "model": header.model,
        "scheme": layout.scheme,
        "dtype": str(layout.dtype).removeprefix("torch."),
        "group_size": layout.group_size,
        "expert": asdict(layout.shape),
        "layer_count": header.shape.layer_count,
        "expert_count": header.shape.expert_count,
        "row_byte_count": layout.byte_count,
    }
    return json.dumps(content, sort_keys=True).encode()
