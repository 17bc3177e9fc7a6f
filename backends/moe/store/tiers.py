"""The seam to where rows lie on the host, and rows in memory: pageable or pinned."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
import torch

from backends.moe.errors import TooLittleMemory
from backends.moe.store.layout import RowLayout

TierName = Literal["pinned", "pageable", "ssd"]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class StoreShape:
    """How many rows of which layout a model has."""

    layout: RowLayout
    layer_count: int
    expert_count: int

    @property
    def byte_count(self) -> int:
        """Bytes of all rows."""
        return self.layer_count * self.expert_count * self.layout.byte_count

    @property
    def dimensions(self) -> tuple[int, int, int]:
        """(layers, experts, bytes of a row)."""
        return self.layer_count, self.expert_count, self.layout.byte_count


class Tier(Protocol):
    """Where the rows of all experts of a model lie.

    ``read`` may be called on several threads at once, ``reader_count`` of which help; it raises
    OSError where a disk does. ``close`` comes last.
    """

    name: TierName
    shape: StoreShape
    reader_count: int

    def read(self, layer: int, expert: int, span: slice, target: Bytes) -> None:
        """Fill ``target[span]`` (of a whole row) from the row; bytes around it may be filled too."""
        ...

    def rows(self, layer: int) -> torch.Tensor | None:
        """Rows of ``layer`` in host memory, uint8 (experts, bytes of a row); None: they are not in memory."""
        ...

    def close(self) -> None:
        """Give up memory and files."""
        ...


class MemoryTier:
    """Rows in host memory that the system may page: anonymous, or a mapped file."""

    name: TierName = "pageable"
    reader_count = 1

    def __init__(self, shape: StoreShape, rows: torch.Tensor) -> None:
        self.shape = shape
        self._rows = rows.view(shape.dimensions)

    def read(self, layer: int, expert: int, span: slice, target: Bytes) -> None:
        """See :class:`Tier`; numpy copies without the interpreter's lock."""
        np.copyto(target[span], self._rows[layer, expert].numpy()[span])

    def rows(self, layer: int) -> torch.Tensor:
        """See :class:`Tier`."""
        return self._rows[layer]

    def close(self) -> None:
        """Forget the rows; memory that nobody else holds is freed."""
        self._rows = torch.empty(0)


class PinnedTier(MemoryTier):
    """Rows in host memory that a GPU reads by itself; takes ``rows`` that nobody maps from a file."""

    name: TierName = "pinned"

    def __init__(self, shape: StoreShape, rows: torch.Tensor) -> None:
        super().__init__(shape, rows)
        pin(rows)
        self._unpin = weakref.finalize(self, unpin, rows)

    def close(self) -> None:
        """Unpin, then free."""
        self._unpin()
        super().close()


def pin(memory: torch.Tensor) -> None:
    """Let a GPU read ``memory`` of the host by itself, until ``unpin``; raises TooLittleMemory."""
    # torch's own pinned allocator rounds up to a power of two.
    status = int(torch.cuda.cudart().cudaHostRegister(memory.data_ptr(), memory.nbytes, 0))  # type: ignore[no-untyped-call]
    if status != 0:
        raise TooLittleMemory(
            f"{memory.nbytes / 2**30:.2f} GiB of host memory cannot be pinned (cudaHostRegister: "
            f"{status}); set offload.store to pageable, or offload.weights to int4"
        )


def unpin(memory: torch.Tensor) -> None:
    """Take back what ``pin`` did; no GPU may be reading any more."""
    torch.cuda.cudart().cudaHostUnregister(memory.data_ptr())  # type: ignore[no-untyped-call]
