"""Starts tiers, and keeps trying those that are down.

Decides when a tier is ready. One tier that does not start never keeps the others from serving.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from traceback import format_tb

from backends.errors import BackendError
from router.tiers import Tier

_LOG = logging.getLogger(__name__)


class Readiness:
    """Looks after tiers; between tries it waits ``first_delay_s``, doubling up to ``last_delay_s``.

    Tiers may join and leave while others run. Several around one backend count as one.
    """

    def __init__(
        self, tiers: Sequence[Tier], *, first_delay_s: float = 1.0, last_delay_s: float = 30.0
    ) -> None:
        self._first = tuple(tiers)
        self._first_delay_s = first_delay_s
        self._last_delay_s = last_delay_s
        # By the identity of their backends.
        self._tiers: dict[int, Tier] = {}
        self._revivals: dict[int, asyncio.Task[None]] = {}

    async def start(self) -> None:
        """Start every tier once, side by side; go on trying in the background where that fails."""
        await self.join(self._first)

    async def join(self, tiers: Iterable[Tier]) -> None:
        """Look after ``tiers`` too: start those whose backend does not run yet, as ``start`` does."""
        fresh = {key: tier for key, tier in _by_backend(tiers).items() if key not in self._tiers}
        self._tiers |= fresh
        await asyncio.gather(*map(self._start, fresh.values()))
        for key, tier in fresh.items():
            if not tier.ready:
                revival = asyncio.create_task(self._revive(tier), name=f"revive {tier.name}")
                self._revivals[key] = revival

    async def leave(self, tiers: Iterable[Tier]) -> None:
        """Close the backends of ``tiers``, and look after them no more."""
        gone = _by_backend(tiers)
        revivals = [self._revivals.pop(key) for key in gone if key in self._revivals]
        for revival in revivals:
            revival.cancel()
        await asyncio.gather(*revivals, return_exceptions=True)
        for key, tier in gone.items():
            self._tiers.pop(key, None)
            tier.ready = False
        closings = (tier.backend.close() for tier in gone.values())
        outcomes = await asyncio.gather(*closings, return_exceptions=True)
        for tier, outcome in zip(gone.values(), outcomes, strict=True):
            if isinstance(outcome, BaseException):
                _LOG.error("tier %s did not close: an unforeseen %s", tier.name, type(outcome).__name__)

    async def close(self) -> None:
        """Stop trying and close every tier."""
        await self.leave((*self._first, *self._tiers.values()))

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


def _by_backend(tiers: Iterable[Tier]) -> dict[int, Tier]:
    """One tier for each backend, by the backend's identity."""
    return {id(tier.backend): tier for tier in tiers}
