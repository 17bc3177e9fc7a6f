"""The queue before a tier: so many calls run, so many wait, and the others are turned away at once.

Decides who goes first (higher priorities, then who came earlier), whom a full queue drops (the latest of the
lowest priority), and who need not wait because it would be in vain. Refuses to know why a tier is
slow. Use from one event loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from backends.errors import BackendError, TimedOut
from router.resilience.refusals import TurnedAway

# Of a new measurement of how long a place is held; about the last 20 count, the first ones alike.
_LEAST_SHARE = 0.1
_Waiter = asyncio.Future[None]


class Gate:
    """Lets ``limit`` calls in and ``queue`` wait. ``enter`` and ``leave`` come in pairs.

    Nobody waits longer than it has, or than ``max_wait_s`` (None: no such limit), and nobody waits at all who
    is expected to.
    """

    def __init__(
        self,
        concurrency: int,
        queue: int,
        *,
        max_wait_s: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.in_flight_count = 0
        self.queued_count = 0
        self._limit = concurrency
        self._queue = queue
        self._max_wait_s = max_wait_s
        self._clock = clock
        # By priority, in order of arrival; a dict is a queue that can be left in the middle.
        self._waiting: dict[int, dict[_Waiter, None]] = {}
        self._held_s = 0.0
        self._held_count = 0

    @property
    def limit(self) -> int:
        """Calls that may run at once."""
        return self._limit

    @limit.setter
    def limit(self, limit: int) -> None:
        self._limit = limit
        self._admit_waiting()

    @property
    def has_room(self) -> bool:
        """Whether a call would be let in without waiting."""
        return self.in_flight_count < self._limit and not self.queued_count

    def expected_wait_s(self, priority: int = 0) -> float:
        """Seconds that a call is expected to wait, from how long places were held of late."""
        if self.has_room:
            return 0.0
        ahead = sum(len(waiters) for level, waiters in self._waiting.items() if level >= priority)
        return (ahead + 1) * self._held_s / max(self._limit, 1)

    async def enter(self, timeout_s: float, priority: int = 0) -> float:
        """Wait for a place; return when it was had, for ``leave``.

        Raises TurnedAway at once where waiting is in vain, or later where the place in the queue was given to
        a higher priority; TimedOut after ``timeout_s``; and what ``dismiss`` was given.
        """
        if self.has_room:
            self.in_flight_count += 1
        else:
            await self._wait(timeout_s, priority)
        return self._clock()

    def leave(self, entered_s: float) -> None:
        """Give the place back."""
        self._held_count += 1
        share = max(1.0 / self._held_count, _LEAST_SHARE)
        self._held_s += share * (max(0.0, self._clock() - entered_s) - self._held_s)
        self.give_back()

    def give_back(self) -> None:
        """Give back a place that was not used."""
        self.in_flight_count -= 1
        self._admit_waiting()

    def dismiss(self, error: Callable[[], BackendError]) -> None:
        """End every wait with an error of its own."""
        for priority, waiters in list(self._waiting.items()):
            for waiter in list(waiters):
                if not waiter.done():
                    waiter.set_exception(error())
                    self._forget(waiter, priority)

    async def _wait(self, timeout_s: float, priority: int) -> None:
        self._make_room(timeout_s, priority)
        waiter: _Waiter = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(priority, {})[waiter] = None
        self.queued_count += 1
        most_s = self._most_s(timeout_s)
        try:
            async with asyncio.timeout(most_s):
                await waiter
        except TimeoutError as exc:
            self._give_up(waiter)
            said = f"waited {most_s:.3f} s in a queue of {self.queued_count}"
            if most_s < timeout_s:
                raise TurnedAway(said, why="too_long_a_wait", retry_after_s=self._retry_after_s()) from exc
            raise TimedOut(said) from exc
        except asyncio.CancelledError:
            self._give_up(waiter)
            raise
        finally:
            self._forget(waiter, priority)
            self._admit_waiting()

    def _make_room(self, timeout_s: float, priority: int) -> None:
        """See that the call may wait, if need be in the place of another. Raises TurnedAway."""
        wait_s = self.expected_wait_s(priority)
        most_s = self._most_s(timeout_s)
        if wait_s > most_s:
            said = f"the wait would be some {wait_s:.3f} s, and at most {most_s:.3f} s can be waited"
            raise TurnedAway(said, why="too_long_a_wait", retry_after_s=wait_s)
        if self.queued_count < self._queue:
            return
        if not self._shed(below=priority):
            said = f"{self.in_flight_count} requests run and {self.queued_count} wait; try later"
            raise TurnedAway(said, retry_after_s=self._retry_after_s())

    def _most_s(self, timeout_s: float) -> float:
        return timeout_s if self._max_wait_s is None else min(timeout_s, self._max_wait_s)

    def _shed(self, *, below: int) -> bool:
        """Turn away the latest waiter of the lowest priority; False where none is lower than ``below``."""
        for priority in sorted(level for level in self._waiting if level < below):
            for waiter in reversed(self._waiting[priority]):
                if not waiter.done():
                    said = "a request of a higher priority took its place in the queue"
                    waiter.set_exception(TurnedAway(said, why="shed", retry_after_s=self._retry_after_s()))
                    self._forget(waiter, priority)
                    return True
        return False

    def _retry_after_s(self) -> float | None:
        """When the queue will have moved on; None: nothing was measured yet."""
        return self.expected_wait_s() or None

    def _give_up(self, waiter: _Waiter) -> None:
        """Pass on the place that ``waiter`` was given at the moment when it gave up."""
        if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
            self.give_back()

    def _forget(self, waiter: _Waiter, priority: int) -> None:
        waiters = self._waiting.get(priority, {})
        with suppress(KeyError):
            del waiters[waiter]
            self.queued_count -= 1
        if not waiters:
            self._waiting.pop(priority, None)

    def _admit_waiting(self) -> None:
        while self.in_flight_count < self._limit and (found := self._first()):
            priority, waiter = found
            self._forget(waiter, priority)
            self.in_flight_count += 1
            waiter.set_result(None)

    def _first(self) -> tuple[int, _Waiter] | None:
        for priority in sorted(self._waiting, reverse=True):
            for waiter in self._waiting[priority]:
                if not waiter.done():
                    return priority, waiter
        return None
