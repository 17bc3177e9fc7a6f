"""Load that goes on: whether the server's memory does too."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tests.bench.load import closed_loop
from tests.bench.overload.asking import asker
from tests.bench.overload.server import TENANT, Server

_CALLER_COUNT = 4
_WARM_UP_SHARE = 1 / 3


@dataclass(frozen=True, slots=True)
class Soaked:
    """How much was asked, and by how much memory grew after warm-up, by a straight line."""

    minutes: float
    request_count: int
    ends: dict[str, int]
    memory_mib: float
    growth_share: float


async def soak(server: Server, minutes: float, progress: Callable[[float], None]) -> Soaked:
    """Load ``server`` for ``minutes``; the first third warms it up."""
    seen: list[tuple[float, int]] = []
    start_s = time.monotonic()

    async def watch() -> None:
        while True:
            seen.append((time.monotonic() - start_s, server.memory_bytes()))
            progress(seen[-1][0])
            await asyncio.sleep(1.0)

    watching = asyncio.create_task(watch())
    async with asker(server.address, TENANT) as one:
        load = await closed_loop(one.ask, caller_count=_CALLER_COUNT, duration_s=60.0 * minutes)
        ends = one.ends.counts
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    times_s, bytes_ = np.array([point for point in seen if point[0] > _WARM_UP_SHARE * 60.0 * minutes]).T
    slope = float(np.polyfit(times_s, bytes_, 1)[0])
    mean = float(bytes_.mean())
    growth = slope * float(times_s[-1] - times_s[0]) / mean
    return Soaked(minutes, len(load.latencies_s), ends, mean / (1 << 20), growth)
