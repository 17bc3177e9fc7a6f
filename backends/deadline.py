"""Waits for a stream no longer than until a point in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TypeVar

T = TypeVar("T")


def deadline_after(timeout_s: float | None) -> float | None:
    """Return the running loop's time in ``timeout_s`` seconds; None stays None: no limit."""
    return None if timeout_s is None else asyncio.get_running_loop().time() + timeout_s


async def until(items: AsyncGenerator[T], deadline: float | None) -> AsyncGenerator[T]:
    """Yield ``items`` until ``deadline`` (the running loop's time; None: no limit), then raise TimeoutError.

    The time that the consumer takes counts too, but the timeout only ever breaks a wait for the
    next item: one that surrounds a ``yield`` would cancel the consumer's own code (PEP 789).
    """
    loop = asyncio.get_running_loop()
    async with aclosing(items):
        while True:
            if deadline is not None and loop.time() >= deadline:
                raise TimeoutError
            try:
                async with asyncio.timeout_at(deadline):
                    item = await anext(items)
            except StopAsyncIteration:
                return
            yield item
