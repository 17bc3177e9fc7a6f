"""One model, one residency: tokens a second of the captured decode step, and what it moved."""

from __future__ import annotations

import gc
import time
from dataclasses import asdict, dataclass
from typing import Any

import torch
from transformers import StaticCache

from backends.moe.device.arena import new_arena
from backends.moe.device.attach import attach
from backends.moe.device.captured import Captured
from backends.moe.device.decode import TILES, DeviceExperts, Tiles
from tests.bench.moe_gpu.routing import Injected
from tests.bench.moe_gpu.shapes import Model

_CONTEXT = 1024
_WARM_STEPS = 150
_TIMED_STEPS = 300


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
    layer_count = len(rows)
    quota = min(shape.expert_count, max(shape.top_k, int(residency * shape.expert_count)))
    arena = new_arena(layer_count, quota, layout, device)
    if quota == shape.expert_count:
        for layer in range(layer_count):
            arena.hold_all(layer, rows[layer])
    experts = DeviceExperts(layout, rows, arena, torch.zeros(8, device=device), shape.top_k, tau, tiles=tiles)
    attach(model, experts)
    injected = Injected(model, chosen, device)
    try:
        elapsed_s = _decoded_s(model, experts, captured=captured, steps=steps)
    finally:
        injected.close()
    selections, misses, prefixes, rests = arena.counts.sum(0).tolist()
    prefix = layout.little_byte_count
    moved = (misses - prefixes) * layout.byte_count + prefixes * prefix + rests * (layout.byte_count - prefix)
    speed = Speed(
        residency, captured, tau, steps / elapsed_s, misses / selections, moved / steps,
        float(experts.little[0]) / (steps * layer_count), arena.slots.numel() / 1e9,
    )  # fmt: skip
    del experts, arena
    gc.collect()
    torch.cuda.empty_cache()
    return speed


@torch.inference_mode()
def _decoded_s(model: Any, experts: DeviceExperts, *, captured: bool, steps: int) -> float:
    """Seconds of ``steps`` steps, once warm."""
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
    experts.arena.counts.zero_()
    experts.little.zero_()
    torch.cuda.synchronize()
    began = time.perf_counter()
    for _ in range(steps):
        run()
    torch.cuda.synchronize()
    return time.perf_counter() - began
