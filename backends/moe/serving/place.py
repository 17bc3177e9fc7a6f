"""Where the rows of a step lie in the tensors of a slot cache, and how they are written and read there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch

Tensor = torch.Tensor


class Place(Protocol):
    """Where the rows of a step read and write; ``length`` positions of each slot are read."""

    @property
    def length(self) -> int:
        """Positions that are read."""
        ...

    @property
    def start(self) -> int | None:
        """Where the only row begins; None where there may be several, so that nothing holds for all."""
        ...

    def put(self, tensor: Tensor, new: Tensor) -> None:
        """Write ``new`` (n_rows, n_heads, n_tokens, width) into ``tensor`` (n_slots, n_heads, n, width)."""
        ...

    def take(self, tensor: Tensor) -> Tensor:
        """Read what the rows may see of ``tensor``: (n_rows, n_heads, length, width)."""
        ...


@dataclass(frozen=True, slots=True)
class Spans:
    """Rows by numbers that the host knows: of row i, ``counts[i]`` tokens from position ``starts[i]`` on.

    What is behind them in a row is not written. Neighbouring slots are read where they lie.
    """

    slots: tuple[int, ...]
    starts: tuple[int, ...]
    counts: tuple[int, ...]
    length: int

    @property
    def start(self) -> int | None:
        """Where the only row begins; None where there are several."""
        return self.starts[0] if len(self.starts) == 1 else None

    def put(self, tensor: Tensor, new: Tensor) -> None:
        """Copy row by row: a fifth of the time of an indexed write where rows are few."""
        for row, (slot, start, count) in enumerate(zip(self.slots, self.starts, self.counts, strict=True)):
            tensor[slot, :, start : start + count] = new[row, :, :count]

    def take(self, tensor: Tensor) -> Tensor:
        """Return a view, where the slots are neighbours."""
        first, count = self.slots[0], len(self.slots)
        if self.slots == tuple(range(first, first + count)):
            return tensor[first : first + count, :, : self.length]
        return tensor[list(self.slots), :, : self.length]


@dataclass(frozen=True, slots=True)
class Indexed:
    """Rows by numbers that the device knows, so that a captured step serves any rows.

    ``slots``: int64, (n_rows,), also one twice; ``positions``: int64, (n_rows, n_tokens).
    """

    slots: Tensor
    positions: Tensor
    length: int
    start: None = None

    def put(self, tensor: Tensor, new: Tensor) -> None:
        """Write by index; where two tokens share a place, one of them stands."""
        tensor[self.slots[:, None], :, self.positions] = new.transpose(1, 2)

    def take(self, tensor: Tensor) -> Tensor:
        """Return a copy."""
        return tensor[:, :, : self.length].index_select(0, self.slots)
