"""Orders under way, seen from those who wait for them: what to send, also a second time, and what came.

A ticket lives on one event loop. ``is_suspect`` says whether its order may be what killed the worker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from backends.errors import BackendError
from backends.llamacpp.worker.messages import AddAdapter, Embed, RemoveAdapter, Reply, Submit
from backends.serving.pending import PendingAnswer
from backends.serving.work import Work


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


class AnswerTicket(PendingAnswer, Ticket):
    """An answer that is being written, seen from here.

    Holds its tokens, so that another worker can go on where the last one stood; the reader of its
    events notices nothing of that.
    """

    def __init__(self, model: str, work: Work, release: Callable[[AnswerTicket], None]) -> None:
        Ticket.__init__(self, work.id, model)
        PendingAnswer.__init__(self, work, lambda: release(self))

    @property
    def is_suspect(self) -> bool:
        """Whether the worker reads or writes it, and does not only keep it waiting."""
        return self.has_begun

    def order(self) -> Submit:
        """The work, with the tokens that are there already."""
        return Submit(self.model, replace(self.work, written=tuple(self.written)))

    def lose_worker(self) -> None:
        """Note that the worker died; its successor begins anew."""
        super().lose_worker()
        self.has_begun = False


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
