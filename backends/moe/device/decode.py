"""Experts of a decode step: four kernels a layer, and nothing that the host must see.

So the whole step of a model can be captured in a CUDA graph, misses included.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
import triton

from backends.moe.device.arena import Arena
from backends.moe.device.kernel_ensure import ensure
from backends.moe.device.kernel_gather import gather
from backends.moe.device.kernel_project import TYPES, project_down, project_up
from backends.moe.store.layout import RowLayout

_COPY_WORDS, _COPY_PROGRAMS = 2048, 32


class Tiles(NamedTuple):
    """How the projections are cut: outputs and groups of inputs a program takes at once, and its warps."""

    up_block: int = 8
    down_block: int = 8
    groups: int = 8
    warps: int = 8


TILES = Tiles()
"""Fastest of eight on an H200 for Qwen3-30B's and OLMoE's experts; for Mixtral's others are 7 % faster."""


class _Fetched(NamedTuple):
    """A slot, the level that it holds, and a gate share for each selection."""

    slots: torch.Tensor
    levels: torch.Tensor
    shares: torch.Tensor


@dataclass(frozen=True)
class DeviceExperts:
    """Computes experts of ``layout`` (int4) out of ``arena``; those that are not there come from ``rows``.

    ``rows``: of each layer uint8, (experts, row bytes), in memory that the device reads (pinned, or its own).
    ``tau``: on a miss with a smaller gate share only the top plane is fetched; 0: always both.
    ``little``: float32, (most tokens of a step,); grows by the shares computed from a top plane alone.
    """

    layout: RowLayout
    rows: Sequence[torch.Tensor]
    arena: Arena
    little: torch.Tensor
    top_k: int
    tau: float = 0.0
    frequent: bool = False
    tiles: Tiles = TILES

    def __call__(
        self,
        layer: int,
        hidden: torch.Tensor,
        experts: torch.Tensor,
        shares: torch.Tensor,
        activate: Callable[[torch.Tensor], torch.Tensor] | None = None,
    ) -> torch.Tensor:
        """Mix of the chosen experts' outputs; 16-bit, (tokens, hidden).

        ``hidden``: 16-bit, (tokens, hidden). ``experts``: integers, and ``shares``: floats, (tokens, top_k).
        ``activate`` makes (selections, inner) of (selections, up); None: silu of the gate, times up.
        """
        at_once = self.arena.quota // self.top_k
        parts = []
        for first in range(0, len(hidden), at_once):
            few = slice(first, first + at_once)
            fetched = self._fetched(layer, experts[few].contiguous(), shares[few].contiguous(), first)
            inner = self._up(hidden[few].contiguous(), fetched, activate)
            parts.append(self._down(inner, fetched))
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _fetched(self, layer: int, experts: torch.Tensor, shares: torch.Tensor, first_token: int) -> _Fetched:
        """Where each selection lies, once what was missing is there."""
        count = experts.numel()
        importance = shares if self.tau == 0 else _importance(shares)
        slots, fetches, levels = (
            torch.empty(count, dtype=torch.int32, device=experts.device) for _ in range(3)
        )
        arena = self.arena
        ensure[(1,)](
            experts, importance, arena.expert_of_slot[layer], arena.rank_of_slot[layer],
            arena.level_of_slot[layer], arena.clock[layer], slots, fetches, levels, arena.counts[layer],
            self.little[first_token:], layer * arena.quota, self.tau,
            SELECTION_COUNT=count, TOP_K=self.top_k,
            PADDED_TOKENS=triton.next_power_of_2(count // self.top_k),
            SLOT_COUNT=arena.quota, PADDED_COUNT=max(32, triton.next_power_of_2(arena.quota)),
            FREQUENT=self.frequent, num_warps=1,
        )  # fmt: skip
        words = self.layout.byte_count // 8
        programs = min(_COPY_PROGRAMS, triton.cdiv(words, _COPY_WORDS))
        gather[(count, programs)](
            self.rows[layer].view(torch.int64), arena.slots.view(torch.int64), experts, slots, fetches,
            words, self.layout.little_byte_count // 8,
            ROUND_COUNT=triton.cdiv(words, programs * _COPY_WORDS), BLOCK=_COPY_WORDS, num_warps=8,
        )  # fmt: skip
        return _Fetched(slots, levels, shares)

    def _up(
        self,
        hidden: torch.Tensor,
        fetched: _Fetched,
        activate: Callable[[torch.Tensor], torch.Tensor] | None,
    ) -> torch.Tensor:
        shape, count = self.layout.shape, len(fetched.slots)
        width = shape.inner_size if activate is None else shape.up_size
        result = hidden.new_empty((count, width))
        project_up[(count, triton.cdiv(width, self.tiles.up_block))](
            self.arena.slots, hidden.view(torch.int64), fetched.slots, fetched.levels, result,
            self.layout.byte_count, shape.hidden_size // 4,
            INNER_SIZE=width, TOP_K=self.top_k, GATED_SILU=activate is None, BLOCK=self.tiles.up_block,
            TYPE=TYPES[hidden.dtype], **self._constants["up"], num_warps=self.tiles.warps,
        )  # fmt: skip
        return result if activate is None else activate(result).contiguous()

    def _down(self, inner: torch.Tensor, fetched: _Fetched) -> torch.Tensor:
        shape = self.layout.shape
        token_count = len(fetched.slots) // self.top_k
        result = inner.new_empty((token_count, shape.hidden_size))
        project_down[(token_count, triton.cdiv(shape.hidden_size, self.tiles.down_block))](
            self.arena.slots, inner.view(torch.int64), *fetched, result,
            self.layout.byte_count, shape.inner_size // 4,
            HIDDEN_SIZE=shape.hidden_size, TOP_K=self.top_k, BLOCK=self.tiles.down_block,
            TYPE=TYPES[inner.dtype], **self._constants["down"], num_warps=self.tiles.warps,
        )  # fmt: skip
        return result

    @cached_property
    def _constants(self) -> dict[str, dict[str, int | bool]]:
        """What the compiler is told of each matrix."""
        offsets = {name: segment.offset for name, segment in self.layout.segments.items()}
        return {
            name: {
                "HI": offsets[f"{name}.hi"],
                "LO": offsets[f"{name}.lo"],
                "HI_GRID": offsets[f"{name}.hi.grid"],
                "LO_GRID": offsets[f"{name}.lo.grid"],
                "BIAS": offsets.get(f"{name}.bias", -1),
                "GROUP_COUNT": self.layout.shape.matrix(name)[1] // self.layout.group_size,
                "QUARTER": self.layout.group_size // 4,
                "GROUPS": self.tiles.groups,
                "LITTLE": self.tau > 0,
            }
            for name in ("up", "down")
        }


def _importance(shares: torch.Tensor) -> torch.Tensor:
    """Share of each choice in the gates of its token, float32, (tokens, top_k)."""
    weights = shares.float().abs()
    return weights / weights.sum(-1, keepdim=True).clamp_min(1e-20)
