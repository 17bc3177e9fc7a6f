"""SIGTERM under load, and callers that leave: what is lost, and how soon the provider knows."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import grpc
from upshift.v1 import router_pb2

from router.rpc.client.question import asking
from tests.bench.overload.asking import QUESTION, TIMEOUT_S, Asker, asker, quantile_ms
from tests.bench.overload.server import Server

_CALLER_COUNT = 16
# A caller that is refused comes back after this.
_PAUSE_S = 0.05


@dataclass(frozen=True, slots=True)
class Drained:
    """Streams that ran when the server was told to stop, how many of them were lost, its exit status."""

    in_flight_count: int
    lost_count: int
    exit_status: int


class _Streams:
    """Streams by number: those that the server serves, and those that it broke off unasked."""

    def __init__(self) -> None:
        self.running: set[int] = set()
        self.lost: set[int] = set()

    async def ask(self, one: Asker, number: int) -> bool:
        """Read one stream; True where it was answered."""
        message = asking(router_pb2.StreamGenerateRequest, QUESTION, {})
        try:
            async for _ in one.stub.StreamGenerate(message, timeout=TIMEOUT_S):
                self.running.add(number)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED:
                self.lost.add(number)
            return False
        finally:
            self.running.discard(number)
        return True


async def drain(server: Server, seconds: float) -> Drained:
    """Stop ``server`` in the middle of load."""
    streams, stopping = _Streams(), asyncio.Event()

    async def caller(one: Asker, first: int) -> None:
        number = first
        while not stopping.is_set():
            if not await streams.ask(one, number):
                await asyncio.sleep(_PAUSE_S)
            number += _CALLER_COUNT

    async with asker(server.address) as one:
        callers = [asyncio.create_task(caller(one, number)) for number in range(_CALLER_COUNT)]
        await asyncio.sleep(seconds)
        in_flight = set(streams.running)
        stopping.set()
        server.terminate()
        await asyncio.gather(*callers)
    return Drained(len(in_flight), len(in_flight & streams.lost), await asyncio.to_thread(server.wait))


@dataclass(frozen=True, slots=True)
class Left:
    """Milliseconds from a client's cancellation to the end of the provider's connection."""

    count: int
    p50_ms: float | None
    p99_ms: float | None
    most_ms: float | None


class Provider:
    """Never answers; notes when it is asked, and when its caller has gone."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[None] = asyncio.Queue()
        self.gone: asyncio.Queue[float] = asyncio.Queue()

    async def __call__(self, _: dict[str, Any], __: asyncio.StreamWriter) -> None:
        """Wait to be left."""
        self.asked.put_nowait(None)
        try:
            await asyncio.Event().wait()
        finally:
            self.gone.put_nowait(time.perf_counter())


async def leave(server: Server, provider: Provider, count: int) -> Left:
    """Cancel ``count`` calls, one after the other, each while the provider is silent."""
    waits_s = []
    message = asking(router_pb2.GenerateRequest, QUESTION, {"policy": "provider"})
    async with asker(server.address) as one:
        for _ in range(count):
            call = one.stub.Generate(message, timeout=TIMEOUT_S)
            await provider.asked.get()
            start_s = time.perf_counter()
            call.cancel()
            waits_s.append(await provider.gone.get() - start_s)
    waits_s.sort()
    return Left(count, *(quantile_ms(waits_s, share) for share in (0.5, 0.99, 1.0)))
