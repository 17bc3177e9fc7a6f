"""What the machine allows: how fast experts reach the GPU, by its copy engine and by its own cores."""

from __future__ import annotations

import time

import torch
import triton

from backends.moe.device.kernel_gather import gather
from tests.bench.moe_gpu.building import pinned, unpin

SIZES = {"qwen3-30b-a3b": 2_654_208, "mixtral-8x7b": 99_090_432}


def median_s(action: object, repeat_count: int = 20) -> float:
    """Median seconds of a call on the device."""
    return (
        float(triton.testing.do_bench(action, warmup=20, rep=20 * repeat_count, return_mode="median")) / 1e3
    )


def probe(host_gib: int = 16) -> dict[str, float]:
    """Rates in GB/s (10^9), and the seconds it takes to pin host memory."""
    began = time.perf_counter()
    memory = pinned(host_gib * 2**30)
    figures = {f"pin_{host_gib}_gib_s": time.perf_counter() - began}
    device = torch.device("cuda")
    for name, size in SIZES.items():
        target = torch.empty(size, dtype=torch.uint8, device=device)
        # A fresh place each time, so that no cache of the host helps.
        places = iter(range(10**9))

        def copy(target: torch.Tensor = target, size: int = size, places: object = places) -> None:
            first = next(places) * size % (len(memory) - size) // 4096 * 4096  # type: ignore[call-overload]
            target.copy_(memory[first : first + size], non_blocking=True)

        figures[f"dma_{name}_gb_s"] = size / median_s(copy) / 1e9
        for programs in (16, 32, 64, 128):
            figures[f"gather_{name}_{programs}_programs_gb_s"] = (
                size / median_s(gather_call(memory, target, size, programs)) / 1e9
            )
    host = memory[: 8 * 2**30].view(torch.int64)
    began = time.perf_counter()
    host.sum()
    figures["host_read_gb_s"] = host.numel() * 8 / (time.perf_counter() - began) / 1e9
    unpin(memory)
    return figures


def gather_call(
    memory: torch.Tensor, target: torch.Tensor, size: int, programs: int, words: int = 2048
) -> object:
    """A call that fetches one row of ``size`` bytes with so many programs."""
    device = target.device
    rows = memory[: len(memory) // size * size].view(-1, size).view(torch.int64)
    expert = torch.zeros(1, dtype=torch.int64, device=device)
    slot = torch.zeros(1, dtype=torch.int32, device=device)
    fetch = torch.full((1,), 2, dtype=torch.int32, device=device)

    def call() -> None:
        expert.add_(1).remainder_(len(rows))
        gather[(1, programs)](
            rows, target.view(1, -1).view(torch.int64), expert, slot, fetch, size // 8, size // 16,
            ROUND_COUNT=triton.cdiv(size // 8, programs * words), BLOCK=words, num_warps=8,
        )  # fmt: skip

    return call
