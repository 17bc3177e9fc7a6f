"""The server's life: binding, limits, signals, draining."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from router.config import Config, ServerConfig
from router.rpc.client import AsyncClient, UpshiftError
from router.rpc.listen import ListenError
from router.rpc.names import SERVICE_NAME
from router.rpc.server import RouterServer
from router.rpc.server import serve as serve_until_signalled
from tests.router.rpc.conftest import Serve
from tests.router.rpc.scripted_router import ScriptedRouter, stall


def config(**server: object) -> Config:
    tier = {"name": "edge", "backend": "echo"}
    policy = {"name": "default", "ladder": ["edge"], "objective": {"rule": "threshold"}}
    settings = {"listen": "127.0.0.1:0", **server}
    return Config.model_validate({"version": 1, "server": settings, "tiers": [tier], "policies": [policy]})


def services(address: str) -> list[str]:
    with grpc.insecure_channel(address) as channel:
        return list(ProtoReflectionDescriptorDatabase(channel).get_services())


async def test_reflection_describes_the_service(serve: Serve) -> None:
    """Tools can call the server without its protos."""
    address = (await serve()).address

    def describe() -> list[str]:
        with grpc.insecure_channel(address) as channel:
            pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
            return [method.name for method in pool.FindServiceByName(SERVICE_NAME).methods]

    assert "StreamGenerate" in await asyncio.to_thread(describe)
    assert SERVICE_NAME in await asyncio.to_thread(services, address)


async def test_reflection_can_be_switched_off(serve: Serve) -> None:
    """Then nobody is told what there is."""
    address = (await serve(reflection=False)).address
    with pytest.raises(grpc.RpcError):
        await asyncio.to_thread(services, address)


async def test_a_taken_port_is_said_before_anything_loads(serve: Serve) -> None:
    """The error names the address, and the router was not started for nothing."""
    address = (await serve()).address
    router = ScriptedRouter()
    async with RouterServer(ServerConfig(listen=address), router) as second:
        with pytest.raises(ListenError, match=f"cannot listen on '{address}'"):
            await second.start()


@pytest.mark.parametrize("listen", ["0.0.0.0:0", "[::]:0", "example.com:0", "10.1.2.3:0"])
async def test_other_machines_are_let_in_only_on_purpose(listen: str) -> None:
    """Without encryption and keys the server stays on this machine unless told otherwise."""
    async with RouterServer(ServerConfig(listen=listen), ScriptedRouter()) as server:
        with pytest.raises(ListenError, match="allow_insecure_listen"):
            await server.start()


@pytest.mark.parametrize(
    "settings", [{"listen": "0.0.0.0:0", "allow_insecure_listen": True}, {"listen": "localhost:0"}]
)
async def test_an_allowed_address_is_bound(settings: dict[str, Any]) -> None:
    """The address given back has the real port."""
    async with RouterServer(ServerConfig.model_validate(settings), ScriptedRouter()) as server:
        host, _, port = (await server.start()).rpartition(":")
    assert (host, int(port) > 0) == (settings["listen"].rpartition(":")[0], True)


async def test_a_socket_file_serves_too(tmp_path: Any) -> None:
    """On one machine no port is needed."""
    listen = f"unix:{tmp_path}/u.sock"
    async with RouterServer(ServerConfig(listen=listen), ScriptedRouter()) as server:
        assert await server.start() == listen
        async with AsyncClient(listen) as client:
            assert (await client.generate("hi")).text == "hi"


async def test_too_many_calls_are_turned_away(serve: Serve) -> None:
    """Further calls end at once and are told when to come back; health checks are still answered."""
    served = await serve(stall, max_concurrent_requests=1)
    first = asyncio.create_task(served.client.generate("hi"))
    await served.router.running.wait()
    for asking in (served.client.generate("hi"), anext(served.client.stream_text("hi"))):
        with pytest.raises(UpshiftError, match="try later") as caught:
            await asking
        assert (caught.value.code, caught.value.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "QUEUE_FULL")
        assert caught.value.retry_after_s is not None
    assert await served.client.health()
    served.router.gate.set()
    assert (await first).text == "late"


async def test_too_large_a_message_is_turned_away(serve: Serve) -> None:
    """The limit is the configured one."""
    served = await serve(max_message_bytes=2048)
    with pytest.raises(UpshiftError) as caught:
        await served.client.generate("x" * 3000)
    assert (caught.value.code, caught.value.reason) == (
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "RESOURCE_EXHAUSTED",
    )
    assert "2048" in str(caught.value)


async def test_too_long_a_prompt_is_refused_by_its_own_limit(serve: Serve) -> None:
    """Well below the size of a message, with a reason."""
    served = await serve(max_prompt_bytes=100)
    with pytest.raises(UpshiftError) as caught:
        await served.client.generate("x" * 101)
    assert caught.value.reason == "PROMPT_TOO_LARGE"


async def test_draining_finishes_what_runs_and_takes_nothing_new(serve: Serve) -> None:
    """Who was in is answered; who comes later is told UNAVAILABLE."""
    served = await serve(stall, drain_grace_s=30.0)
    running = asyncio.create_task(served.client.generate("hi"))
    await served.router.running.wait()
    draining = asyncio.create_task(served.server.drain())
    async with AsyncClient(served.address) as late:
        with pytest.raises(UpshiftError) as caught:
            await late.generate("hi", timeout_s=5.0)
    assert caught.value.code is grpc.StatusCode.UNAVAILABLE
    served.router.gate.set()
    assert (await running).text == "late"
    await draining


async def test_what_outlasts_the_grace_is_cancelled(serve: Serve) -> None:
    """Draining ends, and the model is stopped."""
    served = await serve(stall, drain_grace_s=0.05)
    running = asyncio.create_task(served.client.generate("hi"))
    await served.router.running.wait()
    await served.server.drain()
    await served.router.stopped.wait()
    with pytest.raises(UpshiftError):
        await running


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_drains_and_closes(number: signal.Signals) -> None:
    """Serving returns by itself once what runs is answered, and the router is closed."""
    router = ScriptedRouter(stall)
    bound: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve_until_signalled(config(), router, ready=bound.set_result))
    async with AsyncClient(await bound) as client:
        running = asyncio.create_task(client.generate("hi"))
        await router.running.wait()
        os.kill(os.getpid(), number)
        router.gate.set()
        assert (await running).text == "late"
        await asyncio.wait_for(serving, 60.0)
    assert router.closed


async def test_a_second_signal_stops_at_once() -> None:
    """Nobody has to wait for a model that hangs."""
    router = ScriptedRouter(stall)
    bound: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(
        serve_until_signalled(config(drain_grace_s=60.0), router, ready=bound.set_result)
    )
    async with AsyncClient(await bound) as client:
        running = asyncio.create_task(client.generate("hi"))
        await router.running.wait()
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(serving, 60.0)
        with pytest.raises(UpshiftError):
            await running
    assert router.closed
    assert router.stopped.is_set()


async def test_a_signal_while_loading_stops_loading() -> None:
    """A start that takes minutes can be ended too."""

    class Loading(ScriptedRouter):
        async def start(self) -> None:
            self.running.set()
            await asyncio.Event().wait()

    router = Loading()
    serving = asyncio.create_task(serve_until_signalled(config(), router))
    await router.running.wait()
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(serving, 60.0)
    assert router.closed
