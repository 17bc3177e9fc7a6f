"""Health follows the tiers and the drain, and watchers hear of it."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from router.rpc.health import Health
from router.rpc.names import SERVICE_NAME
from tests.router.rpc.conftest import Serve, Served
from tests.router.rpc.scripted_router import ScriptedRouter

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVICE_UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


def stub(served: Served) -> Any:
    return health_pb2_grpc.HealthStub(served.channel)


def asking(service: str) -> health_pb2.HealthCheckRequest:
    return health_pb2.HealthCheckRequest(service=service)


@pytest.mark.parametrize("service", ["", SERVICE_NAME])
async def test_a_ready_server_serves(serve: Serve, service: str) -> None:
    """The whole and the service are told alike, from the first call on."""
    assert (await stub(await serve()).Check(asking(service))).status == SERVING


async def test_an_unknown_service_is_not_found(serve: Serve) -> None:
    """Check says NOT_FOUND; Watch says SERVICE_UNKNOWN and goes on."""
    served = await serve()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub(served).Check(asking("moon"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    watch = stub(served).Watch(asking("moon"))
    assert (await watch.read()).status == SERVICE_UNKNOWN
    watch.cancel()


async def test_a_watcher_hears_of_draining_and_is_let_go(serve: Serve) -> None:
    """NOT_SERVING comes first, then the stream ends, so that it does not hold the server up."""
    served = await serve(drain_grace_s=60.0)
    watch = stub(served).Watch(asking(""))
    assert (await watch.read()).status == SERVING
    # A read that begins after the call has ended finds nothing, so this one waits already.
    reading = asyncio.create_task(watch.read())
    await asyncio.wait_for(served.server.drain(), 10.0)
    assert (await reading).status == NOT_SERVING
    assert await watch.read() is grpc.aio.EOF


async def test_health_follows_the_tiers() -> None:
    """It serves while any tier is ready, and comes back with it."""
    router = ScriptedRouter()
    health = Health(SERVICE_NAME)
    following = asyncio.create_task(health.follow(router, interval_s=0.0))
    seen = []
    for ready in (True, False, True):
        router.ready = ready
        for _ in range(3):
            await asyncio.sleep(0)
        seen.append((await health.Check(asking(""), None)).status)  # type: ignore[arg-type]
    following.cancel()
    assert seen == [SERVING, NOT_SERVING, SERVING]


async def test_draining_is_final() -> None:
    """A tier that recovers does not call a leaving server back."""
    health = Health()
    health.drain()
    health.set(serving=True)
    assert (await health.Check(asking(""), None)).status == NOT_SERVING  # type: ignore[arg-type]
