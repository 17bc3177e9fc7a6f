"""Reads the header of a GGUF file that nobody vouches for: metadata and the list of tensors, no weights.

Decides what a sound header is, within bounds of size, so that a broken or hostile file is refused in a
moment and never costs memory or a hang. Refuses to know what any key means.
Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, version 2 and 3.
"""

from __future__ import annotations

import math
import mmap
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from backends.errors import Refused

MAGIC = b"GGUF"
# Generous for real files (the largest vocabularies have 300,000 tokens), seconds for hostile ones.
_MAX_KEY_COUNT = 4_096
_MAX_TENSOR_COUNT = 65_536
_MAX_ELEMENT_COUNT = 1 << 24
_MAX_STRING_BYTES = 1 << 24
_MAX_SIZE = 1 << 62
# ggml's GGML_MAX_DIMS and GGML_MAX_NAME.
_MAX_DIMENSION_COUNT = 4
_MAX_NAME_BYTES = 63
# One number a layer; ggml's LLAMA_MAX_LAYERS.
_KEPT_ARRAY_LENGTH = 512
_STRING, _ARRAY = 8, 9
_SCALARS = {
    kind: struct.Struct("<" + code)
    for kind, code in enumerate(["B", "b", "H", "h", "I", "i", "f", "?", "", "", "Q", "q", "d"])
    if code
}

Scalar = int | float | bool | str


@dataclass(frozen=True, slots=True)
class Array:
    """An array of the metadata. ``values`` None: strings, or too many numbers to be worth keeping."""

    length: int
    values: tuple[int | float | bool, ...] | None = None


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor of the file.

    ``shape`` has the width of a row first, as llama.cpp counts; ``type`` is written as ``q4_0``.
    """

    name: str
    type: str
    shape: tuple[int, ...]
    byte_count: int

    @property
    def element_count(self) -> int:
        """How many weights it has."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Header:
    """What a GGUF file says of itself. The tensors are in the order of the file."""

    metadata: Mapping[str, Scalar | Array]
    tensors: tuple[Tensor, ...]
    file_byte_count: int

    def text(self, key: str) -> str | None:
        """The string at ``key``; None where it is missing or none."""
        value = self.metadata.get(key)
        return value if isinstance(value, str) else None

    def length(self, key: str) -> int | None:
        """How many elements the array at ``key`` has; None where it is missing or none."""
        value = self.metadata.get(key)
        return value.length if isinstance(value, Array) else None


def read_header(path: Path) -> Header:
    """Read the header of ``path``; raises Refused where llama.cpp could not read the file as a whole.

    Takes milliseconds: 0.1 s with a vocabulary of 150,000 tokens.
    """
    byte_count = path.stat().st_size
    try:
        if byte_count < len(MAGIC):
            raise _UnsoundError(f"it has {byte_count} bytes")
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _Reader(data).header()
    except _UnsoundError as exc:
        raise Refused(f"{path} is not a GGUF file, or a broken one: {exc}; get it again") from exc


class _UnsoundError(Exception):
    """The file is not what it says."""


class _Reader:
    """A cursor that never leaves the file."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._position = 0
        self._elements_left = _MAX_ELEMENT_COUNT

    def header(self) -> Header:
        """Read everything up to the weights, and check that these are all there."""
        self._check_magic()
        tensor_count = self._count("tensors", _MAX_TENSOR_COUNT)
        key_count = self._count("metadata keys", _MAX_KEY_COUNT)
        metadata: dict[str, Scalar | Array] = {}
        for _ in range(key_count):
            key = self._string()
            if key in metadata:
                raise _UnsoundError(f"the key {key[:80]!r} is there twice")
            metadata[key] = self._value(int(self._scalar(4)))
        alignment = metadata.get("general.alignment", 32)
        if (
            not isinstance(alignment, int)
            or alignment < 1
            or alignment & (alignment - 1)
            or alignment > 1 << 20
        ):
            raise _UnsoundError(f"its alignment is {alignment!r}, not a power of two")
        tensors = self._tensors(tensor_count, alignment)
        return Header(metadata, tensors, len(self._data))

    def _check_magic(self) -> None:
        magic = self._take(len(MAGIC))
        if magic != MAGIC:
            raise _UnsoundError(f"it starts with {magic!r}, not {MAGIC!r}")
        version = self._scalar(4)
        if version not in {2, 3}:
            raise _UnsoundError(f"its format version is {version}, not 2 or 3")

    def _tensors(self, count: int, alignment: int) -> tuple[Tensor, ...]:
        tensors: dict[str, Tensor] = {}
        end = 0
        for _ in range(count):
            tensor, offset = self._tensor()
            if tensor.name in tensors:
                raise _UnsoundError(f"the tensor {tensor.name!r} is there twice")
            if offset != end:
                raise _UnsoundError(f"the tensor {tensor.name!r} begins at {offset}, not at {end}")
            tensors[tensor.name] = tensor
            end += _padded(tensor.byte_count, alignment)
        # Some writers leave the last tensor's padding out.
        last = next(reversed(tensors.values())).byte_count if tensors else 0
        needed = _padded(self._position, alignment) + end - _padded(last, alignment) + last
        if tensors and needed > len(self._data):
            raise _UnsoundError(f"it ends after {len(self._data)} bytes, its weights need {needed}")
        return tuple(tensors.values())

    def _tensor(self) -> tuple[Tensor, int]:
        name = self._string(_MAX_NAME_BYTES)
        dimension_count = self._scalar(4)
        if dimension_count > _MAX_DIMENSION_COUNT:
            raise _UnsoundError(f"the tensor {name!r} has {dimension_count} dimensions")
        shape = tuple(int(self._scalar(10)) for _ in range(int(dimension_count)))
        type_name, block_length, block_bytes = _layout(int(self._scalar(4)), name)
        offset = int(self._scalar(10))
        width, weight_count = (shape or (1,))[0], math.prod(shape)
        if weight_count > _MAX_SIZE or width % block_length:
            raise _UnsoundError(f"the tensor {name!r} of type {type_name} has the shape {shape}")
        return Tensor(name, type_name, shape, weight_count // block_length * block_bytes), offset

    def _value(self, kind: int) -> Scalar | Array:
        if kind == _STRING:
            return self._string()
        if kind != _ARRAY:
            return self._scalar(kind)
        kind = int(self._scalar(4))
        length = int(self._scalar(10))
        self._elements_left -= length
        if self._elements_left < 0:
            raise _UnsoundError(f"its arrays have more than {_MAX_ELEMENT_COUNT} elements")
        if kind == _STRING:
            self._skip_strings(length)
            return Array(length)
        layout = _SCALARS.get(kind)
        if layout is None:
            raise _UnsoundError(f"an array has elements of kind {kind}")
        if length > _KEPT_ARRAY_LENGTH:
            self._position += layout.size * length
            return Array(length)
        return Array(
            length, tuple(value for (value,) in layout.iter_unpack(self._take(layout.size * length)))
        )

    def _skip_strings(self, count: int) -> None:
        data, position, end = self._data, self._position, len(self._data) - 8
        for _ in range(count):
            if position > end:
                raise _UnsoundError("it ends within a list of strings")
            position += 8 + int.from_bytes(data[position : position + 8], "little")
        self._position = position

    def _string(self, limit: int = _MAX_STRING_BYTES) -> str:
        length = int(self._scalar(10))
        if length > limit:
            raise _UnsoundError(f"a string of {length} bytes, where {limit} are the most")
        return self._take(length).decode(errors="replace")

    def _count(self, what: str, limit: int) -> int:
        count = int(self._scalar(10))
        if count > limit:
            raise _UnsoundError(f"it claims {count} {what}, where {limit} are the most")
        return count

    def _scalar(self, kind: int) -> int | float | bool:
        layout = _SCALARS.get(kind)
        if layout is None:
            raise _UnsoundError(f"a value of kind {kind}")
        value: int | float | bool = layout.unpack(self._take(layout.size))[0]
        return value

    def _take(self, byte_count: int) -> bytes:
        end = self._position + byte_count
        if end > len(self._data):
            raise _UnsoundError(f"it ends within its header, after {len(self._data)} bytes")
        taken = self._data[self._position : end]
        self._position = end
        return taken


def _alignment(value: object) -> int:
    if not isinstance(value, int) or not 1 <= value <= 1 << 20 or value & (value - 1):
        raise _UnsoundError(f"its alignment is {value!r}, not a power of two")
    return value


def _padded(byte_count: int, alignment: int) -> int:
    return -(-byte_count // alignment) * alignment


def _layout(kind: int, name: str) -> tuple[str, int, int]:
    """Name of a number format, the weights of a block, and the bytes that they take."""
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

    try:
        found = GGMLQuantizationType(kind)
    except ValueError:
        raise _UnsoundError(f"the tensor {name!r} has the unknown number format {kind}") from None
    block_length, block_bytes = GGML_QUANT_SIZES[found]
    return found.name.lower(), block_length, block_bytes
