"""Opens the tiers of a configuration for collecting, and closes them again whatever happens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from router.build import build
from router.collect.errors import TierDown
from router.collect.settings import collecting
from router.config import Config
from router.core import Router


@asynccontextmanager
async def opened(config: Config, tiers: Sequence[str]) -> AsyncIterator[Router]:
    """Give a router over ``tiers`` alone, all of them ready. Raises TierDown where one is not."""
    router = build(collecting(config, tiers))
    try:
        await router.start()
        down = [status.name for status in router.tiers() if not status.ready]
        if down:
            raise TierDown(f"{', '.join(down)} cannot be started; see the log above, and try again")
        yield router
    finally:
        await router.close()
