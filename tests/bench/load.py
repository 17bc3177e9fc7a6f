"""Two kinds of load: requests that come whether or not the last is answered, and callers that wait."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

Ask = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Load:
    """What was measured: sorted latencies in seconds, and how long it all took."""

    latencies_s: tuple[float, ...]
    elapsed_s: float

    def quantile_ms(self, fraction: float) -> float:
        """Latency that ``fraction`` of the requests stay within, in milliseconds."""
        return 1e3 * self.latencies_s[min(int(fraction * len(self.latencies_s)), len(self.latencies_s) - 1)]


async def open_loop(ask: Ask, *, rate_per_s: float, duration_s: float) -> Load:
    """Start requests at random times, ``rate_per_s`` on average.

    Latency counts from when a request was due, so that a server that stalls is not spared.
    """
    chance = random.Random(1)
    start = due = time.perf_counter()
    tasks = []
    while due < start + duration_s:
        due += chance.expovariate(rate_per_s)
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(_timed(ask, due)))
    latencies = await asyncio.gather(*tasks)
    return Load(tuple(sorted(latencies)), time.perf_counter() - start)


async def closed_loop(ask: Ask, *, caller_count: int, duration_s: float) -> Load:
    """Let ``caller_count`` callers ask again as soon as they are answered."""
    start = time.perf_counter()
    latencies: list[float] = []

    async def call() -> None:
        while (now := time.perf_counter()) < start + duration_s:
            latencies.append(await _timed(ask, now))

    await asyncio.gather(*(call() for _ in range(caller_count)))
    return Load(tuple(sorted(latencies)), time.perf_counter() - start)


async def _timed(ask: Ask, since: float) -> float:
    await ask()
    return time.perf_counter() - since
