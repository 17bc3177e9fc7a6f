"""Orders under way, seen from those who wait for them: what to send, also a second time, and what came.

A ticket lives on one event loop. ``is_suspect`` says whether its order may be what killed the worker.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from backends.errors import BackendError
from backends.llamacpp.worker.messages import AddAdapter, Embed, RemoveAdapter, Reply, Submit
from backends.serving.work import Began, Work, Wrote


class Ticket:
    """What all orders to a model have in common, on their way."""

    def __init__(self, id: int, model: str) -> None:  # noqa: A002  what the messages call it
        self.id = id
        self.model = model
        self.death_count = 0
        self.is_sent = False

    @property
    def is_suspect(self) -> bool:
        """Whether the worker has begun to carry it out."""
        return self.is_sent

    def order(self) -> Submit | Embed | AddAdapter | RemoveAdapter:
        """What to send, now or again."""
        raise NotImplementedError

    def fail(self, error: BackendError) -> None:
        """Tell who waits that it is not going to be completed."""
        raise NotImplementedError

    def lose_worker(self) -> None:
        """Note that the worker died; the order has to be sent again."""
        self.is_sent = False


class AnswerTicket(Ticket):
    """An answer that is being written.

    Holds its tokens, so that another worker can go on where the last one stood; the reader of its
    events notices nothing of that. The work's deadline holds here too, whatever the worker does.
    """

    def __init__(self, model: str, work: Work, release: Callable[[AnswerTicket], None]) -> None:
        super().__init__(work.id, model)
        self._work = work
        self._release = release
        self._written: list[int] = []
        self._has_begun = self._ended = False
        self._events: deque[Began | Wrote] = deque()
        self._error: BackendError | None = None
        self._arrival: asyncio.Future[None] | None = None
        self._is_late = False
        self._alarm = None if work.deadline_s is None else self._set_alarm(work.deadline_s)

    @property
    def is_suspect(self) -> bool:
        """Whether the worker reads or writes it, and does not only keep it waiting."""
        return self._has_begun

    @property
    def is_complete(self) -> bool:
        """Whether nothing more is going to come."""
        return self._ended or self._error is not None or len(self._written) >= self._work.output_limit

    def order(self) -> Submit:
        """The work, with the tokens that are there already."""
        return Submit(self.model, replace(self._work, written=tuple(self._written)))

    def lose_worker(self) -> None:
        """Note that the worker died; its successor begins anew."""
        super().lose_worker()
        self._has_begun = False

    def began(self, event: Began) -> None:
        """Take the beginning."""
        self._has_begun = True
        self._deliver(event)

    def wrote(self, event: Wrote) -> bool:
        """Take a token; return whether it was the last."""
        if not self.is_complete:
            self._written.append(event.token)
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
        self._release(self)

    def _set_alarm(self, deadline_s: float) -> asyncio.TimerHandle:
        left_s = max(0.0, deadline_s - time.monotonic())
        return asyncio.get_running_loop().call_later(left_s, self._ring)

    def _ring(self) -> None:
        self._is_late = True
        self._wake()

    def _is_past_deadline(self) -> bool:
        # The clock too: a stream that never has to wait lets no timer run.
        deadline_s = self._work.deadline_s
        return self._is_late or (deadline_s is not None and time.monotonic() >= deadline_s)

    def _deliver(self, event: Began | Wrote) -> None:
        self._events.append(event)
        self._wake()

    def _wake(self) -> None:
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)


class ReplyTicket(Ticket):
    """An order that gets one reply."""

    def __init__(self, order: Embed | AddAdapter | RemoveAdapter) -> None:
        super().__init__(order.id, order.model)
        self._order = order
        self.reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

    def order(self) -> Embed | AddAdapter | RemoveAdapter:
        """The same, every time."""
        return self._order

    def replied(self, reply: Reply) -> None:
        """Take the reply."""
        if not self.reply.done():
            self.reply.set_result(reply)

    def fail(self, error: BackendError) -> None:
        """Raise ``error`` for who waits."""
        if not self.reply.done():
            self.reply.set_exception(error)
