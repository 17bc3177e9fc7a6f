"""The router that is served, which another may take the place of while requests run.

Decides which router a request goes to, and when one that was replaced is closed: with its last request.
Refuses to know where configurations come from.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from router.build import build
from router.certificates.warrant import CertificateStatus
from router.config.model import Config
from router.core import Router
from router.earlier import Earlier, signature_of
from router.embedding import Embedded, Texts
from router.errors import ConfigRefused
from router.events import Decided, Event
from router.observation import Observer, Unobserving
from router.request import Request
from router.tiers import TierStatus

_LOG = logging.getLogger(__name__)

Build = Callable[[Config, Sequence[Earlier]], Router]


@dataclass(frozen=True, slots=True)
class Exchange:
    """What became of the tiers, by name: those that went on running, were started, and will be closed."""

    kept: tuple[str, ...]
    started: tuple[str, ...]
    closed: tuple[str, ...]


class _Generation:
    """One router and how many requests it answers."""

    def __init__(self, earlier: Earlier, router: Router) -> None:
        self.earlier = earlier
        self.router = router
        self.request_count = 0


class LiveRouter:
    """Fills :class:`router.rpc.seam.Core` by the newest router that was built of a configuration.

    ``build`` makes routers; it is called on a thread, but for the first. ``observer`` looks on at all of
    them, None: nobody does.
    """

    def __init__(self, config: Config, build: Build = build, observer: Observer | None = None) -> None:
        self._build = build
        self._observer = observer or Unobserving()
        files = signature_of(config)
        router = build(config, ())
        router.observe(self._observer)
        self._current = _Generation(Earlier(config, router.parts, files), router)
        self._replaced: list[_Generation] = []
        self._followers: list[Callable[[], None]] = []
        self._closings: set[asyncio.Task[None]] = set()
        self._changing = asyncio.Lock()
        self._exchanging: asyncio.Task[Any] | None = None
        self.exchange_count = 0

    @property
    def request_count(self) -> int:
        """Requests that are being answered, by routers that were replaced too."""
        return sum(generation.request_count for generation in (self._current, *self._replaced))

    @property
    def router(self) -> Router:
        """The router that new requests go to."""
        return self._current.router

    @property
    def config(self) -> Config:
        """The configuration that new requests are answered by."""
        return self._current.earlier.config

    def follow(self, follower: Callable[[], None]) -> None:
        """Call ``follower`` now and whenever another router has taken the place; it must not raise."""
        self._followers.append(follower)
        follower()

    async def start(self) -> None:
        """Start the router."""
        async with self._changing:
            await self.router.start()

    async def close(self) -> None:
        """Close the router, and those that it replaced; an exchange under way is given up."""
        underway = [*self._closings, *((self._exchanging,) if self._exchanging else ())]
        for task in underway:
            task.cancel()
        await asyncio.gather(*underway, return_exceptions=True)
        async with self._changing:
            try:
                while self._replaced:
                    await self._replaced.pop().router.close_beside((self.router, *self._routers_replaced()))
            finally:
                await self.router.close()

    async def exchange(
        self, config: Config, *, allow_unready: bool = False, commit: Callable[[], None] | None = None
    ) -> Exchange:
        """Let a router of ``config`` take the current one's place; requests that run stay where they are.

        Tiers that ``config`` does not change go on running. ``commit`` is called, on a thread, when nothing
        else can go wrong any more, and may raise. Raises ConfigRefused where a tier of it does not
        come up (unless ``allow_unready``), ArtefactError or CertificateError where what was learnt cannot be
        trusted; then nothing has changed.
        """
        async with self._changing:
            self._exchanging = asyncio.current_task()
            try:
                before, after = self._current, await self._made(config)
                exchange = self._compared(after)
                try:
                    await after.router.start_beside(before.router)
                    if not allow_unready:
                        _refuse_what_is_down(after.router, exchange.started)
                    if commit is not None:
                        await asyncio.to_thread(commit)
                except BaseException:
                    await after.router.close_beside((before.router, *self._routers_replaced()))
                    raise
            finally:
                self._exchanging = None
            self._current = after
            self._replaced.append(before)
            self.exchange_count += 1
            for follower in self._followers:
                follower()
        self._close_if_idle(before)
        return exchange

    async def _made(self, config: Config) -> _Generation:
        """Build the next router, on a thread: what was learnt may take long to read."""
        parts = self._current.earlier.parts
        if parts.auditor is not None:
            parts.auditor.store()
        running = [generation.earlier for generation in (self._current, *reversed(self._replaced))]
        files = signature_of(config)
        router = await asyncio.to_thread(self._build, config, running)
        router.observe(self._observer)
        return _Generation(Earlier(config, router.parts, files), router)

    async def run(self, request: Request) -> AsyncGenerator[Event]:
        """Answer a request, to its end by the router that is current now."""
        generation = self._current
        generation.request_count += 1
        try:
            async with aclosing(generation.router.run(request)) as events:
                async for event in events:
                    yield event
        finally:
            generation.request_count -= 1
            if generation is not self._current:
                self._close_if_idle(generation)

    async def embed(self, texts: Texts) -> Embedded:
        """Turn texts into vectors, by the router that is current now."""
        generation = self._current
        generation.request_count += 1
        try:
            return await generation.router.embed(texts)
        finally:
            generation.request_count -= 1
            if generation is not self._current:
                self._close_if_idle(generation)

    def decide(self, request: Request) -> Decided:
        """Say what would be tried first; nothing runs."""
        return self.router.decide(request)

    def tiers(self) -> tuple[TierStatus, ...]:
        """Every tier as it is now, cheapest first."""
        return self.router.tiers()

    def tier_names(self) -> frozenset[str]:
        """Names of all tiers."""
        return self.router.tier_names()

    def policy_names(self) -> frozenset[str]:
        """Names of all policies."""
        return self.router.policy_names()

    def certificates(self) -> tuple[CertificateStatus, ...]:
        """Every certificate that a policy may serve by, as it is now."""
        return self.router.certificates()

    async def feedback(
        self, request_id: str, score: float, source: str, *, tenants: frozenset[str] | None = None
    ) -> bool:
        """Record a score; True where it replaced one of the same source."""
        return await self.router.feedback(request_id, score, source, tenants=tenants)

    def _routers_replaced(self) -> list[Router]:
        return [generation.router for generation in self._replaced]

    def _compared(self, after: _Generation) -> Exchange:
        had = {id(tier.backend): tier.name for tier in self._current.earlier.parts.tiers}
        has = {id(tier.backend): tier.name for tier in after.earlier.parts.tiers}
        return Exchange(
            kept=tuple(name for key, name in has.items() if key in had),
            started=tuple(name for key, name in has.items() if key not in had),
            closed=tuple(name for key, name in had.items() if key not in has),
        )

    def _close_if_idle(self, generation: _Generation) -> None:
        if generation.request_count == 0:
            closing = asyncio.create_task(self._close(generation), name="close a replaced router")
            self._closings.add(closing)
            closing.add_done_callback(self._closings.discard)

    async def _close(self, generation: _Generation) -> None:
        async with self._changing:
            if generation not in self._replaced:
                return
            self._replaced.remove(generation)
            try:
                await generation.router.close_beside((self.router, *self._routers_replaced()))
            except Exception as error:  # noqa: BLE001  what is served now must not suffer from it
                _LOG.error("a replaced router did not close: an unforeseen %s", type(error).__name__)


def _refuse_what_is_down(router: Router, started: Sequence[str]) -> None:
    down = [tier.name for tier in router.tiers() if tier.name in started and not tier.ready]
    if down:
        raise ConfigRefused(
            "TIER_NOT_READY",
            f"{', '.join(down)} did not start, so nothing was changed; the log says why. Mend the tier, or "
            "allow tiers that are not ready",
            metadata={"tiers": ", ".join(down)},
        )
