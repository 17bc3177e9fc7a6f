"""An answer on its way, seen from the event loop that waits for it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

from backends.errors import BackendError
from backends.serving.work import Began, Work, Wrote


class PendingAnswer:
    """The events of ``work``, in order. Lives on one event loop.

    The work's deadline holds here too, whatever the engine does. ``release`` is called when nobody waits
    any more.
    """

    def __init__(self, work: Work, release: Callable[[], None]) -> None:
        self.work = work
        self.written: list[int] = []
        self.has_begun = False
        self._release = release
        self._ended = False
        self._events: deque[Began | Wrote] = deque()
        self._error: BackendError | None = None
        self._arrival: asyncio.Future[None] | None = None
        self._is_late = False
        self._alarm = None if work.deadline_s is None else self._set_alarm(work.deadline_s)

    @property
    def is_complete(self) -> bool:
        """Whether nothing more is going to come."""
        return self._ended or self._error is not None or len(self.written) >= self.work.output_limit

    def began(self, event: Began) -> None:
        """Take the beginning."""
        self.has_begun = True
        self._deliver(event)

    def wrote(self, event: Wrote) -> bool:
        """Take a token; return whether it was the last."""
        if not self.is_complete:
            self.written.append(event.token)
            self._ended = event.ends
            self._deliver(event)
        return self.is_complete

    def fail(self, error: BackendError) -> None:
        """Raise ``error`` for the reader, after the events that are there."""
        if not self.is_complete:
            self._error = error
            self._wake()

    async def next(self) -> Began | Wrote:
        """Wait for the next event. One reader at a time.

        Raises the error that ended the answer, and TimeoutError past its deadline, whatever else is there.
        """
        while not self._is_past_deadline():
            if self._events:
                return self._events.popleft()
            if self._error is not None:
                raise self._error
            self._arrival = asyncio.get_running_loop().create_future()
            try:
                await self._arrival
            finally:
                self._arrival = None
        raise TimeoutError

    def close(self) -> None:
        """Stop the answer, if it is not complete, and forget it. Does nothing the second time."""
        if self._alarm is not None:
            self._alarm.cancel()
        self._release()

    def _set_alarm(self, deadline_s: float) -> asyncio.TimerHandle:
        left_s = max(0.0, deadline_s - time.monotonic())
        return asyncio.get_running_loop().call_later(left_s, self._ring)

    def _ring(self) -> None:
        self._is_late = True
        self._wake()

    def _is_past_deadline(self) -> bool:
        # The clock too: a stream that never has to wait lets no timer run.
        deadline_s = self.work.deadline_s
        return self._is_late or (deadline_s is not None and time.monotonic() >= deadline_s)

    def _deliver(self, event: Began | Wrote) -> None:
        self._events.append(event)
        self._wake()

    def _wake(self) -> None:
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)
