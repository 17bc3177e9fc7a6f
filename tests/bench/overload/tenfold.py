"""Ten times as much as the tier can do: how much of the peak is left, and how long those wait who get in."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TypeAlias

import grpc
from upshift.v1 import types_pb2

from tests.bench.load import closed_loop, open_loop
from tests.bench.overload.asking import Ends, asker, quantile_ms
from tests.bench.overload.server import ANSWER_S, CONCURRENCY, Server

Priority: TypeAlias = types_pb2.Priority.ValueType
_PEAK_PER_S = CONCURRENCY / ANSWER_S


@dataclass(frozen=True, slots=True)
class Tenfold:
    """What was measured; times in milliseconds."""

    peak_per_s: float
    goodput_per_s: float
    unloaded_p99_ms: float | None
    admitted_p50_ms: float | None
    admitted_p99_ms: float | None
    refused_p50_ms: float | None
    refused_p90_ms: float | None
    refused_p99_ms: float | None
    answered_share_high: float
    answered_share_low: float
    ends: dict[str, int]

    @property
    def goodput_share(self) -> float:
        """Answers a second under overload, of the peak."""
        return self.goodput_per_s / self.peak_per_s

    @property
    def p99_ratio(self) -> float:
        """How many times longer those who get in wait than where nobody else asks."""
        return (self.admitted_p99_ms or 0.0) / (self.unloaded_p99_ms or 1.0)


async def measure(server: Server, seconds: float) -> Tenfold:
    """Load ``server`` lightly, then to its peak, then with ten times that."""
    async with asker(server.address) as one:
        await closed_loop(one.ask, caller_count=2, duration_s=1.0)
        one.ends = Ends()
        await open_loop(one.ask, rate_per_s=0.2 * _PEAK_PER_S, duration_s=seconds)
        unloaded_s = one.ends.latencies_s(grpc.StatusCode.OK)
        one.ends = Ends()
        peak = await closed_loop(one.ask, caller_count=CONCURRENCY, duration_s=seconds)
        peak_per_s = one.ends.answered_count / peak.elapsed_s
        one.ends = Ends()
        shares = _Shares()

        async def ask() -> None:
            priority = shares.draw()
            shares.add(priority, await one.ask(priority) is grpc.StatusCode.OK)

        load = await open_loop(ask, rate_per_s=10.0 * _PEAK_PER_S, duration_s=seconds)
        admitted_s = one.ends.latencies_s(grpc.StatusCode.OK)
        refused_s = one.ends.latencies_s(grpc.StatusCode.RESOURCE_EXHAUSTED)
    return Tenfold(
        peak_per_s=peak_per_s,
        goodput_per_s=one.ends.answered_count / load.elapsed_s,
        unloaded_p99_ms=quantile_ms(unloaded_s, 0.99),
        admitted_p50_ms=quantile_ms(admitted_s, 0.5),
        admitted_p99_ms=quantile_ms(admitted_s, 0.99),
        refused_p50_ms=quantile_ms(refused_s, 0.5),
        refused_p90_ms=quantile_ms(refused_s, 0.9),
        refused_p99_ms=quantile_ms(refused_s, 0.99),
        answered_share_high=shares.answered(types_pb2.PRIORITY_HIGH),
        answered_share_low=shares.answered(types_pb2.PRIORITY_LOW),
        ends=one.ends.counts,
    )


class _Shares:
    """One request in twenty has a high priority, every other a normal one, the rest a low one."""

    def __init__(self) -> None:
        self._chance = random.Random(4)
        self._ends: dict[Priority, list[bool]] = {}

    def draw(self) -> Priority:
        drawn = self._chance.random()
        if drawn < 0.05:
            return types_pb2.PRIORITY_HIGH
        return types_pb2.PRIORITY_NORMAL if drawn < 0.525 else types_pb2.PRIORITY_LOW

    def add(self, priority: Priority, was_answered: bool) -> None:
        self._ends.setdefault(priority, []).append(was_answered)

    def answered(self, priority: Priority) -> float:
        ends = self._ends.get(priority, [])
        return sum(ends) / len(ends) if ends else 0.0
