"""Reads tensors out of safetensors files one at a time, as float32.

Decides nothing about names. The format is read here rather than by the `safetensors` package because
that needs torch for bfloat16: https://github.com/huggingface/safetensors#format.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from backends.errors import Refused

Weight = npt.NDArray[np.float32]
# The package's own limit.
_MAX_HEADER_BYTES = 100_000_000
_INDEX, _SINGLE = "model.safetensors.index.json", "model.safetensors"
_TYPES: dict[str, np.dtype[Any]] = {"F32": np.dtype("<f4"), "F16": np.dtype("<f2"), "BF16": np.dtype("<u2")}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a tensor lies."""

    file: Path
    start: int
    type: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SourceWeights:
    """The tensors of a model folder; nothing is kept in memory."""

    places: Mapping[str, _Place]

    @classmethod
    def open(cls, folder: Path) -> SourceWeights:
        """Find all tensors of ``folder``; raises Refused where files are missing or broken."""
        places: dict[str, _Place] = {}
        for file in _files(folder):
            places.update(_places(file))
        return cls(places)

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a tensor, rows first."""
        return self.places[name].shape

    def read(self, name: str) -> Weight:
        """Read a tensor as float32; every format that is read fits into it exactly."""
        place = self.places[name]
        count = math.prod(place.shape)
        raw = np.fromfile(place.file, _TYPES[place.type], count, offset=place.start)
        if place.type == "BF16":
            raw = (raw.astype(np.uint32) << 16).view(np.float32)
        weight: Weight = raw.astype(np.float32, copy=False).reshape(place.shape)
        return weight


def _files(folder: Path) -> list[Path]:
    index = folder / _INDEX
    if index.is_file():
        names = sorted(set(json.loads(index.read_text())["weight_map"].values()))
    else:
        names = [_SINGLE]
    for name in names:
        # A name out of a file may not lead out of its folder.
        if Path(name).name != name or not (folder / name).is_file():
            raise Refused(f"{folder} has no file {name}; the weights must be there as safetensors")
    return [folder / name for name in names]


def _places(file: Path) -> dict[str, _Place]:
    try:
        with file.open("rb") as opened:
            length = int.from_bytes(opened.read(8), "little")
            if length > min(_MAX_HEADER_BYTES, file.stat().st_size):
                raise ValueError(f"its header claims {length} bytes")
            header: dict[str, Any] = json.loads(opened.read(length))
        header.pop("__metadata__", None)
        room = file.stat().st_size - 8 - length
        return {name: _place(file, 8 + length, room, entry) for name, entry in header.items()}
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as exc:
        raise Refused(f"{file} is not a safetensors file, or a broken one: {exc}") from exc


def _place(file: Path, data_start: int, room: int, entry: dict[str, Any]) -> _Place:
    start, end = entry["data_offsets"]
    shape = tuple(int(size) for size in entry["shape"])
    if entry["dtype"] not in _TYPES:
        raise ValueError(
            f"a tensor has the number format {entry['dtype']}; only {', '.join(_TYPES)} can be converted, so "
            "take the model as it was before it was quantised"
        )
    needed = math.prod(shape) * _TYPES[entry["dtype"]].itemsize
    if not 0 <= start <= end <= room or end - start != needed or min(shape, default=1) < 0:
        raise ValueError(f"a tensor of shape {shape} lies at {start} to {end} of {room} bytes")
    return _Place(file, data_start + start, entry["dtype"], shape)
