"""A real Upshift node over echo tiers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import yaml

from router.build import build
from router.config import parse
from router.rpc.server import RouterServer


@asynccontextmanager
async def serve(options: Mapping[str, Any], *, backend: str = "echo") -> AsyncIterator[str]:
    """Serve one tier of ``backend`` with ``options`` on a free port; yield the address."""
    tier = {
        "name": "only",
        "backend": backend,
        "options": dict(options),
        "price": {"input_usd_per_million_tokens": 3, "output_usd_per_million_tokens": 15},
    }
    policy = {"name": "default", "ladder": ["only"], "objective": {"rule": "fixed", "tier": "only"}}
    config = parse(
        yaml.safe_dump(
            {"version": 1, "server": {"listen": "127.0.0.1:0"}, "tiers": [tier], "policies": [policy]}
        )
    )
    async with RouterServer(config.server, build(config)) as server:
        yield await server.start()
