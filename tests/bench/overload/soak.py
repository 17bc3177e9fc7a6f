"""Load that goes on: whether the server's memory does too.

Told apart are the memory that the process holds, which grows by what its allocators keep for later until the
busiest moment is behind it, and the memory that is in use, which grows by a leak.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.bench.load import closed_loop
from tests.bench.overload.asking import asker
from tests.bench.overload.counted import COUNTS, read
from tests.bench.overload.server import TENANT, Server
from tests.bench.overload.slope import Growth, growth

_CALLER_COUNT = 4
_WARM_UP_SHARE = 1 / 3


@dataclass(frozen=True, slots=True)
class Soaked:
    """How much was asked, and how memory grew after warm-up: the figures of ``Used``."""

    minutes: float
    request_count: int
    ends: dict[str, int]
    held_bytes: Growth
    block_count: Growth
    malloc_bytes: Growth


async def soak(server: Server, minutes: float, progress: Callable[[float], None]) -> Soaked:
    """Load ``server``, which was launched as Counted, for ``minutes``; the first third warms it up."""
    start_s = time.monotonic()

    async def watch() -> None:
        while True:
            progress(time.monotonic() - start_s)
            await asyncio.sleep(1.0)

    watching = asyncio.create_task(watch())
    async with asker(server.address, TENANT) as one:
        load = await closed_loop(one.ask, caller_count=_CALLER_COUNT, duration_s=60.0 * minutes)
        ends = one.ends.counts
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    warm_s = start_s + _WARM_UP_SHARE * 60.0 * minutes
    warm = [used for used in read(server.folder / COUNTS) if used.at_s > warm_s]
    times_s = [used.at_s for used in warm]
    return Soaked(
        minutes,
        len(load.latencies_s),
        ends,
        growth(times_s, [used.held_bytes for used in warm]),
        growth(times_s, [used.block_count for used in warm]),
        growth(times_s, [used.malloc_bytes for used in warm]),
    )
