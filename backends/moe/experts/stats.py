"""What offloading has done since it began, and how much of the last step was computed coarsely."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(slots=True)
class OffloadStats:
    """Counts over all layers since the model was loaded; plain numbers that any thread may read.

    A *hit* is an expert that a step needed and found in a slot, a *miss* one whose row was fetched;
    ``little_count`` of the misses fetched a prefix only, and ``upgrade_count`` hits found a prefix
    and fetched the rest.
    """

    hit_count: int = 0
    miss_count: int = 0
    little_count: int = 0
    upgrade_count: int = 0
    moved_byte_count: int = 0
    step_count: int = 0

    @property
    def hit_rate(self) -> float | None:
        """Share of needed experts that were in a slot; None: none was needed yet."""
        needed = self.hit_count + self.miss_count
        return self.hit_count / needed if needed else None


class LittleMass:
    """Adds up, for every row of the running forward pass, the share of its gates that little experts had."""

    def __init__(self, layer_count: int) -> None:
        self._layer_count = layer_count
        self._rows: torch.Tensor | None = None

    def begin(self, row_count: int) -> None:
        """Start a forward pass of ``row_count`` tokens, sequences after one another."""
        self._rows = torch.zeros(row_count)  # moves to where the first shares are

    def add(self, rows: torch.Tensor, shares: torch.Tensor) -> None:
        """Add the gate shares of one little expert at ``rows``."""
        assert self._rows is not None
        self._rows = self._rows.to(shares.device).index_add_(0, rows, shares)

    def of_last_pass(self, row_count: int | None = None) -> torch.Tensor:
        """Mean over layers for each row, float32 on the host (rows,), 0 to 1; empty before the first pass.

        ``row_count``: of how many rows the pass was, where that is known better than here, as when it was
        replayed; None: as it began.
        """
        if self._rows is None:
            return torch.zeros(row_count or 0)
        return (self._rows / self._layer_count).cpu()
