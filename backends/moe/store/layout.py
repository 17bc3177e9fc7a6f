"""What one expert looks like as a row of bytes: which segment begins where.

Decides order, types and alignment; knows neither where rows are kept nor how numbers are rounded.
Rows hold whatever their scheme needs, each matrix as (outputs, inputs), inputs contiguous:

- ``exact``: the checkpoint's own numbers, untouched.
- ``int4``: 4-bit codes as two planes of 2 bits. What the top plane needs comes first, so that a
  prefix of the row (``little_byte_count``) is an expert of 2 bits by itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch

Scheme = Literal["exact", "int4"]
_Wanted = list[tuple[str, torch.dtype, tuple[int, ...]]]

_SEGMENT_ALIGNMENT = 16  # bytes; the widest load of a GPU thread
ROW_ALIGNMENT = 4096  # bytes; what direct reads from disk ask for
_GROUP_SIZES = (128, 64, 32, 16)


@dataclass(frozen=True, slots=True)
class ExpertShape:
    """The two matrices of every expert of a model: ``up`` (gate and up together) and ``down``.

    ``up_size`` counts the outputs of ``up``: twice ``inner_size`` with a gate, else the same.
    """

    hidden_size: int
    inner_size: int
    has_gate: bool = True
    has_bias: bool = False

    @property
    def up_size(self) -> int:
        """Outputs of the first matrix."""
        return self.inner_size * (2 if self.has_gate else 1)

    @property
    def weight_count(self) -> int:
        """Numbers in both matrices."""
        return self.hidden_size * (self.up_size + self.inner_size)

    def matrix(self, name: str) -> tuple[int, int]:
        """(outputs, inputs) of ``up`` or ``down``."""
        return (self.up_size, self.hidden_size) if name == "up" else (self.hidden_size, self.inner_size)


@dataclass(frozen=True, slots=True)
class Segment:
    """A tensor inside a row: where its bytes begin, its type and its shape."""

    offset: int
    dtype: torch.dtype
    shape: tuple[int, ...]

    @property
    def byte_count(self) -> int:
        """Bytes that it takes, without what follows for alignment."""
        return math.prod(self.shape) * self.dtype.itemsize


@dataclass(frozen=True)
class RowLayout:
    """Where each segment of a row lies.

    ``dtype`` is the type of exact numbers and biases. ``group_size`` inputs share a scale and a minimum
    (``int4`` only).
    """

    shape: ExpertShape
    scheme: Scheme
    dtype: torch.dtype
    group_size: int = 128

    @cached_property
    def segments(self) -> dict[str, Segment]:
        """Segments by name, in the order in which they lie."""
        placed: dict[str, Segment] = {}
        end = 0
        for name, dtype, shape in self._wanted():
            placed[name] = Segment(end, dtype, shape)
            end = _aligned(end + placed[name].byte_count, _SEGMENT_ALIGNMENT)
        return placed

    @cached_property
    def byte_count(self) -> int:
        """Bytes from one row to the next."""
        return _aligned(self._end_of(list(self.segments)[-1]), ROW_ALIGNMENT)

    @cached_property
    def little_byte_count(self) -> int:
        """Bytes of the prefix that is an expert by itself: the whole row where the scheme has none."""
        if self.scheme == "exact":
            return self.byte_count
        return self.segments["up.lo"].offset

    def view(self, rows: torch.Tensor, name: str) -> torch.Tensor:
        """Return the segment ``name`` of ``rows`` (uint8, (..., byte_count)), sharing their memory.

        Shape (..., *segment.shape).
        """
        segment = self.segments[name]
        part = rows[..., segment.offset : segment.offset + segment.byte_count]
        return part.view(segment.dtype).view(*rows.shape[:-1], *segment.shape)

    def _end_of(self, name: str) -> int:
        return self.segments[name].offset + self.segments[name].byte_count

    def _wanted(self) -> _Wanted:
        biases: _Wanted = [
            (f"{name}.bias", self.dtype, self.shape.matrix(name)[:1])
            for name in ("up", "down")
            if self.shape.has_bias
        ]
        if self.scheme == "exact":
            return [*((name, self.dtype, self.shape.matrix(name)) for name in ("up", "down")), *biases]
        return [*self._planes("hi"), *biases, *self._planes("lo")]

    def _planes(self, plane: Literal["hi", "lo"]) -> _Wanted:
        """Codes, then scales and minima: of the top plane alone (``hi``), of both together (``lo``)."""
        codes: _Wanted = []
        numbers: _Wanted = []
        for name in ("up", "down"):
            outputs, inputs = self.shape.matrix(name)
            codes.append((f"{name}.{plane}", torch.uint8, (outputs, inputs // 4)))
            numbers.append((f"{name}.{plane}.grid", torch.float16, (outputs, inputs // self.group_size, 2)))
        return [*codes, *numbers]


def group_size_for(shape: ExpertShape, at_most: int = 128) -> int | None:
    """Return the largest group that divides the inputs of both matrices; None: there is none."""
    for size in _GROUP_SIZES:
        if size <= at_most and shape.hidden_size % size == 0 and shape.inner_size % size == 0:
            return size
    return None


def _aligned(offset: int, alignment: int) -> int:
    return -(-offset // alignment) * alignment
