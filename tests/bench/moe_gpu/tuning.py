"""Which tile sizes suit the projections: microseconds a layer for one token, weights out of GPU memory."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch

from backends.moe.device import decode
from backends.moe.device.arena import new_arena
from tests.bench.moe_gpu.building import random_layer
from tests.bench.moe_gpu.probe import median_s
from tests.bench.moe_gpu.shapes import Model

CANDIDATES = [
    decode.Tiles(block, block, groups, warps)
    for block, groups, warps in (
        (4, 4, 4),
        (8, 4, 4),
        (16, 4, 4),
        (32, 4, 4),
        (8, 2, 4),
        (16, 2, 2),
        (8, 8, 8),
        (16, 4, 8),
    )
]


def tune(model: Model) -> tuple[decode.Tiles, dict[str, float]]:
    """The fastest tiles, and the microseconds of all."""
    device = torch.device("cuda")
    layout = model.layout(torch.bfloat16)
    arena = new_arena(1, model.expert_count, layout, device)
    arena.slots.copy_(random_layer(model.expert_count, layout))
    hidden = torch.randn((1, layout.shape.hidden_size), device=device).bfloat16()
    # Different sets of experts, so that the cache on the chip does not hold them all.
    sets = [torch.randperm(model.expert_count, device=device)[: model.top_k].int() for _ in range(8)]
    shares = torch.full((model.top_k,), 1 / model.top_k, device=device)
    fetched = [decode._Fetched(slots, torch.full_like(slots, 2), shares) for slots in sets]
    times: dict[str, dict[decode.Tiles, float]] = {"up": {}, "down": {}}
    for tiles in CANDIDATES:
        experts = decode.DeviceExperts(
            layout, (arena.slots,), arena, torch.zeros(8, device=device), model.top_k, tiles=tiles
        )
        times["up"][tiles] = _us(partial(_ups, experts, hidden, fetched)) / len(sets)
        inner = experts._up(hidden, fetched[0], None)
        times["down"][tiles] = _us(partial(_downs, experts, inner, fetched)) / len(sets)
    best = min(CANDIDATES, key=lambda tiles: times["up"][tiles] + times["down"][tiles])
    figures = {f"{way} {tuple(tiles)[1:]} us": t for way in times for tiles, t in times[way].items()}
    for way in times:
        outputs, inputs = layout.shape.matrix(way)
        figures[f"{way} gb/s"] = model.top_k * outputs * inputs * 0.5625 / times[way][best] / 1e3
    return best, figures


def _ups(experts: decode.DeviceExperts, hidden: torch.Tensor, fetched: list[decode._Fetched]) -> None:
    for one in fetched:
        experts._up(hidden, one, None)


def _downs(experts: decode.DeviceExperts, inner: torch.Tensor, fetched: list[decode._Fetched]) -> None:
    for one in fetched:
        experts._down(inner, one)


def _us(action: Callable[[], None]) -> float:
    """Microseconds of ``action`` replayed from a graph."""
    action()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        action()
    return 1e6 * median_s(graph.replay, 3)
