"""A model's experts, managed by the GPU: few tokens go through the arena, many past it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import nn
from transformers.activations import SiLUActivation
from transformers.integrations import moe

from backends.moe.device.arena import new_arena
from backends.moe.device.decode import TILES, DeviceExperts, Tiles
from backends.moe.device.prefill import LayerStream, mixed
from backends.moe.experts.host_managed import Residency
from backends.moe.experts.stats import LittleMass, OffloadStats
from backends.moe.store.tiers import Tier

# Longer inputs are prompts, of which nearly all experts have a token.
MOST_TOKENS = 16

Activate = Callable[[torch.Tensor], torch.Tensor]


class DeviceManagedExperts:
    """Fills :class:`backends.moe.experts.function.Experts` with kernels that never ask the host.

    ``tier`` is pinned and holds 4-bit rows; the model computes in 16 bits. A step of up to ``MOST_TOKENS``
    can be captured in a CUDA graph, fetches included.
    """

    captured_token_count = MOST_TOKENS

    def __init__(
        self, tier: Tier, residency: Residency, top_k: int, device: torch.device, tiles: Tiles = TILES
    ) -> None:
        shape = tier.shape
        rows = tuple(_rows(tier, layer) for layer in range(shape.layer_count))
        self.little_mass = _DeviceLittleMass(shape.layer_count, device)
        self.arena = new_arena(shape.layer_count, residency.slot_count, shape.layout, device)
        self.has_little = residency.little_below is not None
        self._tier = tier
        self._experts = DeviceExperts(
            layout=shape.layout,
            rows=rows,
            arena=self.arena,
            little=self.little_mass.counted,
            top_k=top_k,
            tau=residency.little_below or 0.0,
            frequent=residency.policy == "lfu",
            tiles=tiles,
        )
        self._stream = LayerStream(rows, device) if device.type == "cuda" else None
        self._passed_byte_count = 0
        self._step_count = 0

    @property
    def stats(self) -> OffloadStats:
        """Counts so far, read off the device; prompts that streamed by count as bytes alone."""
        selections, misses, prefixes, rests = (int(n) for n in self.arena.counts.sum(0).tolist())
        layout = self._experts.layout
        prefix = layout.little_byte_count
        moved = (misses - prefixes) * layout.byte_count + prefixes * prefix
        moved += rests * (layout.byte_count - prefix) + self._passed_byte_count
        return OffloadStats(selections - misses, misses, prefixes, rests, moved, self._step_count)

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Let no further expert be little until the block ends."""
        usual, self._experts = self._experts, replace(self._experts, tau=0.0)
        try:
            yield
        finally:
            self._experts = usual

    @property
    def row_byte_count(self) -> int:
        """Bytes of all experts' rows."""
        return self._tier.shape.byte_count

    def compute(
        self, layer: int, module: Any, hidden: torch.Tensor, routing: tuple[torch.Tensor, torch.Tensor]
    ) -> torch.Tensor:
        """Return what ``module.forward`` would, up to how 4 bits round; see the seam."""
        if layer == 0:
            self._step_count += 1
            self.little_mass.begin(len(hidden))
        if self._stream is None or len(hidden) <= MOST_TOKENS:
            activate = None if _is_plain(module) else _activation(module)
            return self._experts(layer, hidden, *routing, activate)
        rows = self._stream.take(layer)
        result = mixed(rows, self._experts.layout, hidden, *routing, _activation(module))
        self._stream.release(layer)
        self._passed_byte_count += rows.nbytes
        return result

    def close(self) -> None:
        """Give the host's memory up once the device has done with it."""
        if self.arena.slots.device.type == "cuda":
            torch.cuda.synchronize(self.arena.slots.device)
        self._tier.close()


class _DeviceLittleMass(LittleMass):
    """The kernels add to ``counted`` (float32, (MOST_TOKENS,)); longer inputs have no little experts."""

    def __init__(self, layer_count: int, device: torch.device) -> None:
        super().__init__(layer_count)
        self.counted = torch.zeros(MOST_TOKENS, device=device)
        self._row_total = 0

    def begin(self, row_count: int) -> None:
        """Start a forward pass of ``row_count`` tokens."""
        self._row_total = row_count
        self.counted.zero_()

    def of_last_pass(self, row_count: int | None = None) -> torch.Tensor:
        """Mean over layers for each row, float32 on the host, (rows,); see :class:`LittleMass`."""
        total = self._row_total if row_count is None else row_count
        known = (self.counted[:total] / self._layer_count).cpu()
        return torch.nn.functional.pad(known, (0, total - len(known)))


def _rows(tier: Tier, layer: int) -> torch.Tensor:
    rows = tier.rows(layer)
    assert rows is not None, "rows that the device reads are in memory"
    return rows


def _activation(module: Any) -> Activate:
    activate: Activate = module._apply_gate if module.has_gate else module.act_fn  # noqa: SLF001  the hook's own name
    return activate


def _is_plain(module: Any) -> bool:
    """Whether the module's activation is silu(gate) * up, of halves: what the kernel has built in."""
    default = getattr(moe, "_default_apply_gate", None)
    return (
        module.has_gate
        and module.is_concatenated
        and default is not None
        and type(module)._apply_gate is default  # noqa: SLF001  the hook's own name
        and isinstance(getattr(module, "act_fn", None), SiLUActivation | nn.SiLU)
    )
