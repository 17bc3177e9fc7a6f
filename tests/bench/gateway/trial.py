"""One kind of request to one server: latency at a steady rate, then cost as fast as it answers."""

from __future__ import annotations

from dataclasses import dataclass

from tests.bench.gateway.contender import Contender
from tests.bench.load import closed_loop, open_loop


@dataclass(frozen=True, slots=True)
class Terms:
    """How much is asked: at first so often a second, then by so many callers at once; seconds of each."""

    rate_per_s: float
    caller_count: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Measured:
    """``p50_ms`` and ``p99_ms`` hold at the steady rate, all else as fast as the server answers.

    CPU counts user and system time of the server's processes, children included.
    """

    p50_ms: float
    p99_ms: float
    cpu_us_per_request: float
    requests_per_s: float

    @property
    def requests_per_core_s(self) -> float:
        """Requests that one core could serve in a second, if it did nothing else."""
        return 1e6 / self.cpu_us_per_request


async def measure(contender: Contender, terms: Terms, *, streams: bool) -> Measured:
    """Warm ``contender`` up, then load it both ways."""
    async with contender.asking(contender.address, streams) as ask:
        await closed_loop(ask, caller_count=terms.caller_count, duration_s=1.0)
        steady = await open_loop(ask, rate_per_s=terms.rate_per_s, duration_s=terms.seconds)
        used_s = contender.process.cpu_s()
        full = await closed_loop(ask, caller_count=terms.caller_count, duration_s=terms.seconds)
        used_s = contender.process.cpu_s() - used_s
    count = len(full.latencies_s)
    return Measured(
        p50_ms=steady.quantile_ms(0.5),
        p99_ms=steady.quantile_ms(0.99),
        cpu_us_per_request=1e6 * used_s / count,
        requests_per_s=count / full.elapsed_s,
    )
