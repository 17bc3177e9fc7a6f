"""The GPU's slots for experts and what it knows of them: all tensors, so that no step asks the host."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from backends.moe.store.layout import RowLayout


@dataclass(frozen=True, slots=True)
class Arena:
    """``quota`` slots for each of the model's layers with experts.

    ``slots``: uint8, (layers * quota, row bytes). The rest is per layer: int32, (layers, quota), ``clock``
    (layers, 1); ``counts`` int64, (layers, 4): selections, misses, prefixes and rests fetched so far.
    """

    quota: int
    slots: torch.Tensor
    expert_of_slot: torch.Tensor
    rank_of_slot: torch.Tensor
    level_of_slot: torch.Tensor
    clock: torch.Tensor
    counts: torch.Tensor

    def empty(self) -> None:
        """Forget what the slots hold."""
        self.expert_of_slot.fill_(-1)
        for state in (self.rank_of_slot, self.level_of_slot, self.clock, self.counts):
            state.zero_()

    def hold_all(self, layer: int, rows: torch.Tensor) -> None:
        """Copy all experts of ``layer`` (uint8, (experts, row bytes)) into its slots; there are as many."""
        first = layer * self.quota
        self.slots[first : first + self.quota].copy_(rows, non_blocking=True)
        self.expert_of_slot[layer] = torch.arange(self.quota, dtype=torch.int32)
        self.level_of_slot[layer] = 2


def new_arena(layer_count: int, quota: int, layout: RowLayout, device: torch.device) -> Arena:
    """Allocate an empty arena on ``device``."""

    def integers(width: int, dtype: torch.dtype = torch.int32) -> torch.Tensor:
        return torch.zeros((layer_count, width), dtype=dtype, device=device)

    arena = Arena(
        quota=quota,
        slots=torch.empty((layer_count * quota, layout.byte_count), dtype=torch.uint8, device=device),
        expert_of_slot=integers(quota),
        rank_of_slot=integers(quota),
        level_of_slot=integers(quota),
        clock=integers(1),
        counts=integers(4, torch.int64),
    )
    arena.empty()
    return arena
