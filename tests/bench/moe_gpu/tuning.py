"""Which tile sizes suit the projections: microseconds a layer for one token, weights out of the GPU's memory."""

from __future__ import annotations

import itertools
from typing import Any

import torch

from backends.moe.device import decode
from backends.moe.device.arena import new_arena
from tests.bench.moe_gpu.probe import median_s
from tests.bench.moe_gpu.shapes import Model


def tune(model: Model) -> dict[str, float]:
    """Times of each candidate, and the bytes of weights over the best time in GB/s."""
    device = torch.device("cuda")
    layout = model.layout(torch.bfloat16)
    arena = new_arena(1, model.expert_count, layout, device)
    arena.slots.random_(0, 256)
    experts = decode.DeviceExperts(
        layout, arena.slots[None], arena, torch.zeros(8, device=device), model.top_k
    )
    hidden = torch.randn((1, layout.shape.hidden_size), device=device).bfloat16()
    # Eight different sets of experts, so that the cache on the chip does not hold them all.
    sets = [torch.randperm(model.expert_count, device=device)[: model.top_k].int() for _ in range(8)]
    shares = torch.full((model.top_k,), 1 / model.top_k, device=device)
    levels = torch.full_like(sets[0], 2)
    fetched = [decode._Fetched(slots, levels, shares) for slots in sets]
    times: dict[str, float] = {}
    for block, groups, warps in itertools.product((4, 8, 16, 32), (2, 4, 8), (2, 4, 8)):
        decode._UP_BLOCK = decode._DOWN_BLOCK = block
        decode._GROUPS, decode._WARPS = groups, warps
        experts.__dict__.pop("_constants", None)
        ups = _graphed(lambda: [experts._up(hidden, one, None) for one in fetched])
        inner = experts._up(hidden, fetched[0], None)
        downs = _graphed(lambda: [experts._down(inner, one) for one in fetched])
        times[f"up {block}/{groups}/{warps}"] = ups * 1e6 / 8
        times[f"down {block}/{groups}/{warps}"] = downs * 1e6 / 8
    best = {way: min((t, n) for n, t in times.items() if n.startswith(way)) for way in ("up", "down")}
    kept: dict[str, Any] = {}
    for way in ("up", "down"):
        ranked = sorted((t, n) for n, t in times.items() if n.startswith(way))
        kept |= {f"{n} us": t for t, n in ranked[:5]}
    outputs, inputs = layout.shape.matrix("up")
    kept["up best gb/s"] = model.top_k * outputs * inputs / 2 / best["up"][0] / 1e3
    outputs, inputs = layout.shape.matrix("down")
    kept["down best gb/s"] = model.top_k * outputs * inputs / 2 / best["down"][0] / 1e3
    return kept


def _graphed(action: Any) -> float:
    """Seconds of ``action`` replayed from a graph."""
    action()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        action()
    return median_s(graph.replay, 5)
