"""Waits for a stream no longer than until a point in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, TypeVar

T = TypeVar("T")


def deadline_after(timeout_s: float | None) -> float | None:
    """Return the running loop's time in ``timeout_s`` seconds; None stays None: no limit."""
    return None if timeout_s is None else asyncio.get_running_loop().time() + timeout_s


async def until(items: AsyncGenerator[T], deadline: float | None) -> AsyncGenerator[T]:
    """Yield ``items`` until ``deadline`` (the running loop's time; None: no limit), then raise TimeoutError.

    The time that the consumer takes counts too, but the timeout only ever breaks a wait for the
    next item: one that surrounds a ``yield`` would cancel the consumer's own code (PEP 789).
    """
    async with aclosing(items):
        if deadline is None:
            async for item in items:
                yield item
            return
        # Waits here, not in a coroutine of its own: each one is paid for with every token.
        alarm = _Alarm(deadline)
        try:
            while True:
                alarm.arm()
                try:
                    item = await anext(items)
                except StopAsyncIteration:
                    return
                except asyncio.CancelledError as exc:
                    if alarm.has_cancelled():
                        raise TimeoutError from exc
                    raise
                finally:
                    alarm.disarm()
                yield item
        finally:
            alarm.close()


class _Alarm:
    """One timer for a whole stream: arming one for every token would cost more than the token."""

    def __init__(self, deadline: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._deadline = deadline
        self._rang = False
        self._waiting: asyncio.Task[Any] | None = None
        self._cancelling = 0
        self._timer = self._loop.call_at(deadline, self._ring)

    def close(self) -> None:
        """Never ring."""
        self._timer.cancel()

    def arm(self) -> None:
        """Ring for the task that waits from now on; raises TimeoutError once the deadline is past."""
        # The clock, not the timer: a stream that never has to wait lets no timer run.
        if self._loop.time() >= self._deadline:
            raise TimeoutError
        task = self._waiting = asyncio.current_task(self._loop)
        assert task is not None, "streams are read within a task"
        self._cancelling = task.cancelling()

    def disarm(self) -> None:
        """Nobody waits any more."""
        self._waiting = None

    def has_cancelled(self) -> bool:
        """Whether a cancellation while it was armed is only its own; told as asyncio.timeout does."""
        task = self._waiting
        return self._rang and task is not None and task.uncancel() <= self._cancelling

    def _ring(self) -> None:
        if self._waiting is not None:
            self._rang = True
            self._waiting.cancel()
