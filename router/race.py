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

    @property
    def is_over(self) -> bool:
        """Whether no stream is running."""
        return not self._running

    def start(self, texts: Texts) -> None:
        """Let a stream run."""
        self._running[asyncio.create_task(_first(texts))] = texts

    async def first(self, timeout_s: float | None = None) -> tuple[Texts, str | None] | None:
        """Wait for a stream to say something; hand it out with its first text, None: it ended without any.

        None after ``timeout_s``. Raises what a stream raised.
        """
        done, _ = await asyncio.wait(self._running, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        for task in self._running:
            if task in done:
                return self._running.pop(task), task.result()
        return None

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
