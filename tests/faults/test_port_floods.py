"""The gRPC ports under clients that send frames which no well-behaved one would: others are served."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from router.config import ServerConfig
from router.live.config_file import ConfigFile
from router.live.core import LiveRouter
from router.live.reloader import Reloader
from router.live.versions import Versions
from router.rpc import edge, port_options
from router.rpc.admin.server import AdminServer
from router.rpc.admin.service import AdminService
from router.rpc.client.admin import AdminClient
from router.rpc.client.errors import UpshiftError
from router.rpc.server import RouterServer
from router.tenants.key_file import write_keys
from router.tenants.key_ring import KeyRing
from router.tenants.keys import mint
from router.tenants.principal import Scope
from tests.faults.frames import (
    CONTINUATION,
    END_HEADERS,
    HEADERS,
    PING,
    PREFACE,
    Peer,
    call,
    field,
    frame,
    reset,
)
from tests.router.live.conftest import text, tier
from tests.router.rpc.scripted_router import ScriptedRouter


class Port:
    """A port under attack; ``method`` is a call that it knows, ``key`` opens it (None: it asks for none)."""

    def __init__(self, address: str, method: str, key: str | None) -> None:
        self.address = address
        self.method = method
        self._key = key

    async def serves(self) -> bool:
        """Whether somebody who comes now is answered; False where too many calls are open."""
        try:
            return await self._answers()
        except (grpc.RpcError, UpshiftError) as error:
            code = error.code if isinstance(error, UpshiftError) else error.code()
            if code is not grpc.StatusCode.RESOURCE_EXHAUSTED:
                raise
            return False

    async def _answers(self) -> bool:
        if self._key is not None:
            return await asyncio.to_thread(self._administered)
        async with grpc.aio.insecure_channel(self.address) as channel:
            stub: Any = health_pb2_grpc.HealthStub(channel)
            asked = health_pb2.HealthCheckRequest()
            answer = await stub.Check(asked, timeout=60.0)
            return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    def _administered(self) -> bool:
        with AdminClient(self.address, key=self._key) as client:
            return bool(client.get_config()[0])


@asynccontextmanager
async def router_port(_: Path) -> AsyncIterator[Port]:
    """Where requests come in."""
    settings = ServerConfig.model_validate({"listen": "127.0.0.1:0", "max_concurrent_requests": 4})
    async with RouterServer(settings, ScriptedRouter()) as server:
        yield Port(await server.start(), "/upshift.v1.RouterService/Generate", None)


@asynccontextmanager
async def admin_port(folder: Path) -> AsyncIterator[Port]:
    """Where configurations are changed."""
    admin, key = mint(tenants=("ops",), scopes=frozenset({Scope.ADMIN}), now_s=0.0)
    write_keys(folder / "keys.json", (admin,))
    path = folder / "upshift.yaml"
    path.write_text(text(tier("edge", "one"), auth={"keys": "keys.json"}))
    file = ConfigFile(path)
    served = file.read()
    core = LiveRouter(served.config)
    service = AdminService(core, Reloader(core, file, served, Versions(folder / "versions")), started_s=0.0)
    async with AdminServer(
        "127.0.0.1:0", served.config.server, service, KeyRing(folder / "keys.json")
    ) as server:
        yield Port(server.address, "/upshift.v1.AdminService/GetConfig", key)


@pytest.fixture(params=[router_port, admin_port])
async def port(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Port]:
    """Each of the ports. Who does not greet is let go quickly."""
    monkeypatch.setattr(port_options, "HANDSHAKE_TIMEOUT_S", 0.3)
    async with request.param(tmp_path) as found:
        yield found


@pytest.mark.parametrize("said", [b"", PREFACE[:9], PREFACE])
async def test_who_does_not_greet_is_let_go(port: Port, said: bytes) -> None:
    """In silence, in the middle of a word, or before saying how it wants to be spoken to."""
    async with Peer(port.address) as peer:
        await peer.say(said)
        await peer.until_let_go()
        assert await port.serves()


async def test_other_protocols_are_let_go(port: Port) -> None:
    """HTTP/1, and noise."""
    for said in (b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", bytes(range(256)) * 64):
        async with Peer(port.address) as peer:
            await peer.say(said)
            await peer.until_let_go()
    assert await port.serves()


async def test_headers_without_end(port: Port) -> None:
    """Megabytes of what begins a call (CVE-2024-27919): others are served meanwhile."""
    async with Peer(port.address) as peer:
        await peer.greet()
        await peer.say(frame(HEADERS, stream=1, payload=call(port.method)))
        more = frame(CONTINUATION, stream=1, payload=field("x-flood", "y" * 100) * 100)
        flooding = asyncio.create_task(_flood(peer, more, 500))
        assert await port.serves()
        await flooding
        assert await port.serves()


async def test_calls_that_are_given_up_at_once(port: Port) -> None:
    """Begun and reset by the thousand (CVE-2023-44487): others are served meanwhile and afterwards."""
    async with Peer(port.address) as peer:
        await peer.greet()
        begun = call(port.method)
        for stream in range(1, 2_000, 2):
            await peer.say(frame(HEADERS, END_HEADERS, stream, begun) + reset(stream))
        assert await port.serves()
    assert await port.serves()


async def test_pings_without_end(port: Port) -> None:
    """Who pings all the time is told so, and let go."""
    async with Peer(port.address) as peer:
        await peer.greet()
        flooding = asyncio.create_task(_flood(peer, frame(PING, payload=bytes(8)) * 10, 2_000))
        said = await peer.until_let_go()
        flooding.cancel()
    assert b"too_many_pings" in said
    assert await port.serves()


async def test_calls_whose_message_never_comes(port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than there may be at once: they are given up, before that where they show no key."""
    monkeypatch.setattr(edge, "MESSAGE_TIMEOUT_S", 0.3)
    async with Peer(port.address) as peer:
        await peer.greet()
        for stream in range(1, 700, 2):
            await peer.say(frame(HEADERS, END_HEADERS, stream, call(port.method)))
        async with asyncio.timeout(60.0):
            while not await port.serves():
                await asyncio.sleep(0.05)


async def test_many_who_say_nothing(port: Port) -> None:
    """A crowd of connections keeps nobody out."""
    async with AsyncExitStack() as stack:
        for _ in range(64):
            await stack.enter_async_context(Peer(port.address))
        assert await port.serves()


async def _flood(peer: Peer, data: bytes, count: int) -> None:
    for _ in range(count):
        await peer.say(data)
        await asyncio.sleep(0)
