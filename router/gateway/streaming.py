"""An answer as server-sent events, in whatever shape an API has for it.

Decides when the stream begins: with the first text or the result, so that what fails before has a status of
its own; or after some quiet, for the caller's proxies hold a silent connection for dead. Comments keep it
alive from then on. Text that went out cannot be taken back over these APIs: where its tier fails, the
stream ends in an error.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Protocol

from router.errors import NoTierReady
from router.events import AttemptRejected, AttemptStarted, Decided, Event, Result, TextDelta
from router.gateway.exchange import Exchange
from router.gateway.running import Answered

# Below the least time after which common proxies cut a silent connection (30 s).
QUIET_S = 10.0


class Writer(Protocol):
    """Tells one answer in the shape of an API; each method gives the bytes of whole events.

    ``begin`` comes first; ``tier`` "" where no tier is known yet.
    """

    comment: bytes

    def begin(self, tier: str) -> bytes:
        """Tell that the answer begins."""
        ...

    def text(self, text: str) -> bytes:
        """Tell a piece of it."""
        ...

    def end(self, answered: Answered) -> bytes:
        """Tell the rest, and how it came about."""
        ...


async def stream(
    events: AsyncGenerator[tuple[int, Event]],
    writers: tuple[Writer, ...],
    exchange: Exchange,
    last: Callable[[Sequence[Answered]], bytes] = lambda _: b"",
) -> None:
    """Tell ``events`` by the writer of each request's place; ``last`` gives what ends the stream."""
    telling = _Telling(writers, exchange)
    alive = asyncio.create_task(telling.keep_alive())
    try:
        async with aclosing(events) as happening:
            async for place, event in happening:
                await telling.hear(place, event)
    finally:
        alive.cancel()
        await asyncio.gather(alive, return_exceptions=True)
    if ending := last(telling.answered):
        await exchange.write(ending)
    await exchange.end_stream()


class _Telling:
    def __init__(self, writers: tuple[Writer, ...], exchange: Exchange) -> None:
        self._writers = writers
        self._exchange = exchange
        self._decided: dict[int, Decided] = {}
        self._tiers: dict[int, str] = {}
        self._shown: dict[int, int] = {}
        self._begun: set[int] = set()
        self._answered: dict[int, Answered] = {}
        self._is_quiet = True

    @property
    def answered(self) -> tuple[Answered, ...]:
        """The answers so far, in the order of what was asked."""
        return tuple(self._answered[place] for place in sorted(self._answered))

    async def hear(self, place: int, event: Event) -> None:
        """Tell what is to be told of ``event``."""
        match event:
            case TextDelta():
                self._shown[place] = event.number
                await self._write(self._begun_by(place) + self._writers[place].text(event.text))
            case AttemptStarted():
                self._tiers[place] = event.tier
            case AttemptRejected() if self._shown.get(place) == event.number:
                raise NoTierReady("the tier failed in the middle of its answer; ask again", retry_after_s=1.0)
            case Decided():
                self._decided[place] = event
            case Result():
                self._tiers[place] = event.tier
                answered = self._answered[place] = Answered(self._decided[place], event)
                await self._write(self._begun_by(place) + self._writers[place].end(answered))

    async def keep_alive(self) -> None:
        """Break long silences with comments."""
        while True:
            self._is_quiet = True
            await asyncio.sleep(QUIET_S)
            if self._is_quiet:
                await self._write(self._writers[0].comment)

    def _begun_by(self, place: int) -> bytes:
        if place in self._begun:
            return b""
        self._begun.add(place)
        return self._writers[place].begin(self._tiers.get(place, ""))

    async def _write(self, told: bytes) -> None:
        self._is_quiet = False
        if not self._exchange.is_answered:
            tiers = set(self._tiers.values())
            await self._exchange.begin_stream([("x-upshift-tier", tiers.pop())] if len(tiers) == 1 else ())
        await self._exchange.write(told)
