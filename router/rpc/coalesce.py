"""Text that is ready at the same time goes out together; a slow reader never holds a model back.

A task of its own drives the events, so that a timeout inside them is never delivered to whoever
happens to be writing to the network just then. What waits is bounded: neighbouring pieces of text
are one item, and the core holds an answer's text anyway.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing

from router.events import Event, TextDelta


async def coalesced(events: AsyncGenerator[Event]) -> AsyncGenerator[Event]:
    """Yield ``events``, neighbouring text of an attempt joined where it waits. Closes ``events``."""
    waiting: deque[Event] = deque()
    news = asyncio.Event()
    pump = asyncio.create_task(_pump(events, waiting, news))
    try:
        while not pump.done() or waiting:
            await news.wait()
            news.clear()
            while waiting:
                yield waiting.popleft()
        pump.result()
    finally:
        pump.cancel()
        # Not asyncio.wait: an error that nobody is left to hear must still count as heard.
        await asyncio.gather(pump, return_exceptions=True)


async def _pump(events: AsyncGenerator[Event], waiting: deque[Event], news: asyncio.Event) -> None:
    try:
        async with aclosing(events):
            async for event in events:
                _add(waiting, event)
                news.set()
    finally:
        news.set()


def _add(waiting: deque[Event], event: Event) -> None:
    last = waiting[-1] if waiting else None
    if isinstance(event, TextDelta) and isinstance(last, TextDelta) and last.number == event.number:
        waiting[-1] = TextDelta(event.number, last.text + event.text, last.tokens + event.tokens)
    else:
        waiting.append(event)
