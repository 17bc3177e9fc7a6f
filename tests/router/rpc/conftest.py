"""A server on a free port in front of a scripted router, and clients for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import grpc
import pytest

from router.config import ServerConfig
from router.rpc.client import AsyncClient
from router.rpc.server import RouterServer
from router.tenants.key_ring import KeyRing
from tests.router.rpc.scripted_router import Script, ScriptedRouter, echo


@dataclass
class Served:
    """A running server, what stands behind it, and two ways to ask it."""

    router: ScriptedRouter
    server: RouterServer
    address: str
    client: AsyncClient
    channel: grpc.aio.Channel


Serve = Callable[..., Awaitable[Served]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Start servers that end with the test."""
    async with AsyncExitStack() as stack:

        async def start(script: Script = echo, keys: KeyRing | None = None, **settings: object) -> Served:
            router = ScriptedRouter(script)
            config = ServerConfig.model_validate({"listen": "127.0.0.1:0", **settings})
            server = await stack.enter_async_context(RouterServer(config, router, keys))
            address = await server.start()
            client = await stack.enter_async_context(AsyncClient(address))
            channel = await stack.enter_async_context(grpc.aio.insecure_channel(address))
            return Served(router, server, address, client, channel)

        yield start
