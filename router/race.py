"""Streams side by side until one of them says something.

Refuses to know what they say; whoever starts them decides which one is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from types import TracebackType
from typing import Self

Texts = AsyncGenerator[str]


class Race:
    """Leaving the block stops and closes every stream that ``first`` has not handed out."""

    def __init__(self) -> None:
        self._running: dict[asyncio.Task[str | None], Texts] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def start(self, texts: Texts) -> None:
        """Let a stream run."""
        self._running[asyncio.create_task(_first(texts))] = texts

    async def is_heard(self, timeout_s: float) -> bool:
        """Whether a stream says something, or ends, within ``timeout_s``."""
        done, _ = await asyncio.wait(self._running, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        return bool(done)

    async def first(self) -> tuple[Texts, str | None]:
        """Wait for a stream to say something; hand it out with its first text, None: it ended without any.

        There must be one. Whoever gets it closes it. Raises what the stream raised.
        """
        done, _ = await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
        task = next(task for task in self._running if task in done)
        return self._running.pop(task), task.result()

    async def stop(self) -> None:
        """Stop and close the streams that are running."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        for texts in self._running.values():
            await texts.aclose()
        self._running.clear()


async def _first(texts: Texts) -> str | None:
    return await anext(texts, None)
