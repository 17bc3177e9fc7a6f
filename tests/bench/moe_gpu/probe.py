"""What the machine allows: how fast experts reach the GPU, by its copy engine and by its own cores."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

import torch
import triton

from backends.moe.device.kernel_gather import gather
from tests.bench.moe_gpu.building import pinned, unpin

_PIECES = 16
SIZES = {"qwen3-30b-a3b": 2_654_208, "mixtral-8x7b": 99_090_432}


def median_s(action: Callable[[], object], repeat_count: int = 20) -> float:
    """Median seconds of a call on the device."""
    return (
        float(triton.testing.do_bench(action, warmup=20, rep=20 * repeat_count, return_mode="median")) / 1e3
    )


def probe(host_gib: int = 8) -> dict[str, float]:
    """Rates in GB/s (10^9), and the seconds it takes to pin host memory."""
    began = time.perf_counter()
    memory = pinned(host_gib * 2**30)
    figures = {f"pin_{host_gib}_gib_s": time.perf_counter() - began}
    for name, size in SIZES.items():
        figures[f"dma_{name}_gb_s"] = copy_rate(memory, size) / 1e9
        for programs in (16, 32, 64):
            figures[f"gather_{name}_{programs}_programs_gb_s"] = gather_rate(memory, size, programs) / 1e9
    host = memory.view(torch.int64)
    host.sum()
    began = time.perf_counter()
    host.sum()
    figures["host_read_gb_s"] = len(memory) / (time.perf_counter() - began) / 1e9
    unpin(memory)
    return figures


def copy_rate(memory: torch.Tensor, size: int) -> float:
    """Bytes a second by the copy engine, in pieces of ``size`` from all over pinned ``memory``."""
    target = torch.empty(size, dtype=torch.uint8, device="cuda")
    places = itertools.cycle(range(0, len(memory) - size, size))

    def copies() -> None:
        for _ in range(_PIECES):
            first = next(places)
            target.copy_(memory[first : first + size], non_blocking=True)

    return _PIECES * size / median_s(copies, 3)


def gather_rate(memory: torch.Tensor, size: int, programs: int, words: int = 2048) -> float:
    """Bytes a second by the GPU's own cores, so many programs a row of ``size`` bytes."""
    rows = memory[: len(memory) // size * size].view(-1, size).view(torch.int64)
    target = torch.empty((1, size // 8), dtype=torch.int64, device="cuda")
    wanted = [torch.tensor([i], dtype=torch.int64, device="cuda") for i in range(min(_PIECES, len(rows)))]
    slot = torch.zeros(1, dtype=torch.int32, device="cuda")
    fetch = torch.full_like(slot, 2)

    def gathers() -> None:
        for expert in wanted:
            gather[(1, programs)](
                rows, target, expert, slot, fetch, size // 8, size // 16,
                ROUND_COUNT=triton.cdiv(size // 8, programs * words), BLOCK=words, num_warps=8,
            )  # fmt: skip

    return len(wanted) * size / median_s(gathers, 3)
