"""How fast offloading can be at best: what every token must read, over what the machine reads in a second."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from backends.cores import core_count
from backends.moe.experts.movers import mover_for, new_arena
from backends.moe.store.tiers import StoreShape, Tier
from backends.moe.traces.generator import LOCALITIES, scaled
from backends.read_bandwidth import read_bandwidth

# Enough that caches of processors do not hold them.
_MEASURED_BYTE_COUNT = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Rates:
    """Bytes a second: reading weights where they are computed, and copying rows there."""

    read: float
    copy: float


@dataclass(frozen=True, slots=True)
class Demand:
    """What one token of one sequence asks for: all dense weights, and ``top_k`` experts a layer."""

    shape: StoreShape
    top_k: int
    dense_byte_count: int

    @property
    def active_byte_count(self) -> int:
        """Bytes of rows that a token's experts have."""
        return self.top_k * self.shape.layer_count * self.shape.layout.byte_count

    def tokens_per_second(self, rates: Rates, hit_rate: float) -> float:
        """Most tokens a second at ``hit_rate``: reading and copying take turns, nothing else takes time."""
        missed = (1 - hit_rate) * self.active_byte_count
        seconds = (self.dense_byte_count + self.active_byte_count) / rates.read + missed / rates.copy
        return 1 / seconds


def expected_hit_rate(shape: StoreShape, top_k: int, slot_count: int) -> float:
    """Hit rate of LRU caches of ``slot_count`` a layer, if experts recur as Qwen3-30B's do."""
    curve = scaled(LOCALITIES["qwen3-30b"], shape.expert_count, top_k)
    sizes = [0, *curve.hit_rates, shape.expert_count]
    return float(np.interp(slot_count, sizes, [0.0, *curve.hit_rates.values(), 1.0]))


def measured_copy_rate(tier: Tier, device: str) -> float:
    """Bytes a second at which rows come from ``tier`` to ``device``, one after another, the best of three."""
    row = tier.shape.layout.byte_count
    count = max(1, min(tier.shape.expert_count, _MEASURED_BYTE_COUNT // row))
    arena = new_arena(count, row, device)
    mover = mover_for(tier, arena)
    best_s = float("inf")
    for turn in range(3):
        started = time.perf_counter()
        for expert in range(count):
            mover.start(turn % tier.shape.layer_count, expert, slice(0, row), expert)
        for slot in range(count):
            mover.wait(slot)
        _finish(device)
        best_s = min(best_s, time.perf_counter() - started)
    mover.close()
    return count * row / best_s


def measured_rates(device: str) -> Rates:
    """Measure both on this machine now, rows in host memory; takes about a second."""
    if device == "cpu":
        read = read_bandwidth(core_count())
    else:
        weights = torch.ones(_MEASURED_BYTE_COUNT, device=device, dtype=torch.int32)
        read = weights.nbytes / _seconds(weights.sum, device)
    host = torch.ones(_MEASURED_BYTE_COUNT, dtype=torch.uint8, pin_memory=device != "cpu")
    target = torch.empty_like(host, device=device)
    return Rates(read, host.nbytes / _seconds(lambda: target.copy_(host, non_blocking=True), device))


def _seconds(act: Callable[[], object], device: str) -> float:
    """Seconds of ``act``, the best of five: what else runs can only take away."""
    best_s = float("inf")
    for _ in range(5):
        _finish(device)
        started = time.perf_counter()
        act()
        _finish(device)
        best_s = min(best_s, time.perf_counter() - started)
    return best_s


def _finish(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize(device)
