"""Asks a server, and remembers how each call ended and how long it took."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import grpc
from upshift.v1 import router_pb2, types_pb2
from upshift.v1.router_pb2_grpc import RouterServiceStub

from router.rpc.client.question import asking

if TYPE_CHECKING:
    from upshift.v1.router_pb2_grpc import RouterServiceAsyncStub

QUESTION = "Which of the following words is not the name of a colour: red, green, seven?"
TIMEOUT_S = 10.0


@dataclass
class Ends:
    """How calls ended: seconds that each took, by the code of its end."""

    by_code: dict[grpc.StatusCode, list[float]] = field(default_factory=dict)

    def add(self, code: grpc.StatusCode, latency_s: float) -> None:
        """Take in a call."""
        self.by_code.setdefault(code, []).append(latency_s)

    def latencies_s(self, code: grpc.StatusCode) -> list[float]:
        """Seconds that calls with this end took, sorted."""
        return sorted(self.by_code.get(code, []))

    @property
    def answered_count(self) -> int:
        """Calls that were answered."""
        return len(self.by_code.get(grpc.StatusCode.OK, []))

    @property
    def counts(self) -> dict[str, int]:
        """Calls by how they ended."""
        return {code.name: len(latencies) for code, latencies in self.by_code.items()}


def quantile_ms(latencies_s: list[float], share: float) -> float | None:
    """What a share of the sorted latencies stays within, in milliseconds; None where there are none."""
    if not latencies_s:
        return None
    return 1e3 * latencies_s[min(int(share * len(latencies_s)), len(latencies_s) - 1)]


class Asker:
    """Asks over ``stub``, for ``tenant``; ``ends`` collects what becomes of it."""

    def __init__(self, stub: RouterServiceAsyncStub, tenant: str = "") -> None:
        self.stub = stub
        self._tenant = tenant
        self.ends = Ends()

    async def ask(
        self, priority: types_pb2.Priority.ValueType = types_pb2.PRIORITY_NORMAL
    ) -> grpc.StatusCode:
        """Make one call. Never raises for how it ends."""
        message = asking(router_pb2.GenerateRequest, QUESTION, {"tenant": self._tenant})
        message.priority = priority
        start_s = time.perf_counter()
        try:
            await self.stub.Generate(message, timeout=TIMEOUT_S)
            code = grpc.StatusCode.OK
        except grpc.aio.AioRpcError as error:
            code = error.code()
        self.ends.add(code, time.perf_counter() - start_s)
        return code


@asynccontextmanager
async def asker(address: str, tenant: str = "") -> AsyncIterator[Asker]:
    """An asker with a connection of its own."""
    async with grpc.aio.insecure_channel(address) as channel:
        yield Asker(RouterServiceStub(channel), tenant)
