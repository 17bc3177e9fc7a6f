"""Starts tiers, and keeps trying those that are down.

Decides when a tier is ready. One tier that does not start never keeps the others from serving.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from traceback import format_tb

from backends.errors import BackendError
from router.tiers import Tier

_LOG = logging.getLogger(__name__)


class Readiness:
    """Looks after tiers; between tries it waits ``first_delay_s``, doubling up to ``last_delay_s``."""

    def __init__(
        self, tiers: Sequence[Tier], *, first_delay_s: float = 1.0, last_delay_s: float = 30.0
    ) -> None:
        self._tiers = tuple(tiers)
        self._first_delay_s = first_delay_s
        self._last_delay_s = last_delay_s
        self._revivals: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Start every tier once, side by side; go on trying in the background where that fails."""
        await asyncio.gather(*(self._start(tier) for tier in self._tiers))
        for tier in self._tiers:
            if not tier.ready:
                self._revivals.add(asyncio.create_task(self._revive(tier), name=f"revive {tier.name}"))

    async def close(self) -> None:
        """Stop trying and close every tier."""
        for task in self._revivals:
            task.cancel()
        await asyncio.gather(*self._revivals, return_exceptions=True)
        for tier in self._tiers:
            tier.ready = False
        closings = (tier.backend.close() for tier in self._tiers)
        for tier, outcome in zip(
            self._tiers, await asyncio.gather(*closings, return_exceptions=True), strict=True
        ):
            if isinstance(outcome, BaseException):
                _LOG.error("tier %s did not close: an unforeseen %s", tier.name, type(outcome).__name__)

    async def _start(self, tier: Tier) -> None:
        try:
            await tier.backend.start()
        except BackendError as error:
            _LOG.warning("tier %s is not ready: %s", tier.name, error)
        except Exception as error:  # noqa: BLE001  a tier with a bug must not keep the others from serving
            trace = "".join(format_tb(error.__traceback__))
            _LOG.error(
                "tier %s is not ready: an unforeseen %s at\n%s", tier.name, type(error).__name__, trace
            )
        else:
            tier.ready = True

    async def _revive(self, tier: Tier) -> None:
        delay_s = self._first_delay_s
        while not tier.ready:
            await asyncio.sleep(delay_s)
            delay_s = min(2 * delay_s, self._last_delay_s)
            await self._start(tier)
        _LOG.info("tier %s is ready", tier.name)
