"""One model, one residency: tokens a second of the captured decode step, and what it moved."""

from __future__ import annotations

import gc
import time
from dataclasses import asdict, dataclass
from typing import Any

import torch
from transformers import StaticCache

from backends.moe.device.captured import Captured
from backends.moe.device.decode import TILES, Tiles
from backends.moe.device.managed import DeviceManagedExperts
from backends.moe.experts.function import attach
from backends.moe.experts.host_managed import Residency
from backends.moe.store.tiers import MemoryTier, StoreShape
from tests.bench.moe_gpu.building import expert_modules
from tests.bench.moe_gpu.routing import Injected
from tests.bench.moe_gpu.shapes import Model

_CONTEXT = 1024
_WARM_STEPS = 150
_TIMED_STEPS = 300
_SHARE_STEPS = 20


@dataclass(frozen=True, slots=True)
class Speed:
    """What was measured; rates per second, ``missed`` a share of selections, bytes a token."""

    residency: float
    captured: bool
    tau: float
    tokens_per_s: float
    missed: float
    moved_bytes: float
    little_share: float
    arena_gb: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def measure(
    model: Any,
    shape: Model,
    rows: torch.Tensor,
    chosen: torch.Tensor,
    *,
    residency: float,
    captured: bool = True,
    tau: float = 0.0,
    tiles: Tiles = TILES,
    steps: int = _TIMED_STEPS,
) -> Speed:
    """Decode one token a step along the trace ``chosen``; ``residency`` 1: every expert is in the arena."""
    device = torch.device("cuda")
    layout = shape.layout(torch.bfloat16)
    quota = min(shape.expert_count, max(shape.top_k, int(residency * shape.expert_count)))
    tier = MemoryTier(StoreShape(layout, len(rows), shape.expert_count), rows)
    experts = DeviceManagedExperts(tier, Residency(quota, "lru", tau or None), shape.top_k, device, tiles)
    if quota == shape.expert_count:
        for layer in range(len(rows)):
            experts.arena.hold_all(layer, rows[layer])
    attach(model, experts, {str(i): module for i, module in enumerate(expert_modules(model))})
    injected = Injected(model, chosen, device)
    try:
        elapsed_s, little_share = _decoded(model, experts, captured=captured, steps=steps)
    finally:
        injected.close()
    stats = experts.stats
    speed = Speed(
        residency=residency,
        captured=captured,
        tau=tau,
        tokens_per_s=steps / elapsed_s,
        missed=stats.miss_count / (stats.hit_count + stats.miss_count),
        moved_bytes=stats.moved_byte_count / steps,
        little_share=little_share,
        arena_gb=experts.arena.slots.numel() / 1e9,
    )
    del experts
    gc.collect()
    torch.cuda.empty_cache()
    return speed


@torch.inference_mode()
def _decoded(model: Any, experts: DeviceManagedExperts, *, captured: bool, steps: int) -> tuple[float, float]:
    """Seconds of ``steps`` steps, once warm, and the mean share that little experts had in some more."""
    device = experts.arena.slots.device
    cache = StaticCache(config=model.config, max_cache_len=_CONTEXT)
    token = torch.ones((1, 1), dtype=torch.int64, device=device)

    def step() -> torch.Tensor:
        logits: torch.Tensor = model(input_ids=token, past_key_values=cache, use_cache=True).logits[:, -1]
        token.copy_(logits.argmax(-1, keepdim=True))
        return logits

    run = Captured(step, device) if captured else step
    for _ in range(_WARM_STEPS if captured else 10):
        run()
    shares = []
    for _ in range(_SHARE_STEPS):
        run()
        shares.append(float(experts.little_mass.of_last_pass()[0]))
    experts.arena.counts.zero_()
    torch.cuda.synchronize()
    began = time.perf_counter()
    for _ in range(steps):
        run()
    torch.cuda.synchronize()
    return time.perf_counter() - began, sum(shares) / len(shares)
