"""A gateway on a free port, in front of a scripted router or of real tiers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import httpx
import pytest

from router.config import ServerConfig
from router.gateway.app import application
from router.gateway.house import House, Limits
from router.gateway.server import GatewayServer
from router.rpc.authentication import Authenticator
from router.rpc.calls import CallRecord
from router.rpc.places import Places
from router.rpc.seam import Core
from router.tenants.key_ring import KeyRing
from tests.router.rpc.scripted_router import Script, ScriptedRouter, echo


@dataclass
class Opened:
    """A running gateway, what stands behind it, what was told of its calls, and a plain client."""

    core: Core
    door: GatewayServer
    url: str
    records: list[CallRecord]
    http: httpx.AsyncClient


Open = Callable[..., Awaitable[Opened]]


@pytest.fixture
async def gateway() -> AsyncIterator[Open]:
    """Open gateways that end with the test."""
    async with AsyncExitStack() as stack:

        async def start(
            script: Script = echo,
            *,
            core: Core | None = None,
            keys: KeyRing | None = None,
            place_count: int | None = None,
            **settings: object,
        ) -> Opened:
            behind = core or ScriptedRouter(script)
            records: list[CallRecord] = []
            config = ServerConfig.model_validate({"drain_grace_s": 1, **settings})
            limits = Limits(config.max_message_bytes, config.max_prompt_bytes, config.default_timeout_s)
            authenticator = None if keys is None else Authenticator(keys)
            house = House(behind, limits, Places(place_count), authenticator, (records.append,))
            door = await stack.enter_async_context(
                GatewayServer("127.0.0.1:0", config, application(house), keys)
            )
            url = f"http://{door.address}"
            http = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=10))
            return Opened(behind, door, url, records, http)

        yield start
