"""Keeps a worker process alive, and brings what it was asked for to its end in spite of its deaths.

Decides when a worker is started again, who is to blame for a death, what is sent again and what is
given up. Lives on one event loop. Refuses to know what is in a prompt or an answer.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from itertools import count

from backends.errors import Overloaded, Refused, Unavailable
from backends.llamacpp.options import AdapterOptions
from backends.llamacpp.worker.backoff import Backoff
from backends.llamacpp.worker.frames import FrameError
from backends.llamacpp.worker.link import Link, worker_command
from backends.llamacpp.worker.messages import (
    AddAdapter,
    Cancel,
    Close,
    Embed,
    Open,
    Opened,
    Ping,
    RemoveAdapter,
    Reply,
    Report,
)
from backends.llamacpp.worker.models import Health, KilledWorker, Model
from backends.llamacpp.worker.tickets import AnswerTicket, ReplyTicket, Ticket
from backends.llamacpp.worker.watch import Patience, Watch
from backends.load import Load
from backends.serving.work import Work

logger = logging.getLogger(__name__)

# The first death may have any cause; an order that has seen two is suspected of being it.
_MAX_DEATH_COUNT = 2


class Supervisor:
    """Runs the models of one worker. Models are opened and closed; the worker lives while there are any.

    An order that a worker was carrying out when it died is sent once more, with what was written so
    far, and failed as Unavailable when that worker dies too. Orders that only waited are not suspected.
    """

    def __init__(
        self,
        command: Sequence[str] | None = None,
        patience: Patience = Patience(),  # noqa: B008  frozen
        backoff: Backoff | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._command = command
        self._patience = patience
        self._backoff = backoff or Backoff()
        self._clock = clock
        self._ids = count(1)
        self._models: dict[str, Model] = {}
        self._tickets: dict[int, Ticket] = {}
        self._watch = Watch(patience)
        self._link: Link | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._wanted = asyncio.Event()
        self._last_death = ""
        self.death_count = 0

    @property
    def process_id(self) -> int | None:
        """The worker's process; None while there is none."""
        return None if self._link is None else self._link.process_id

    def new_id(self) -> int:
        """An id for a work or another order."""
        return next(self._ids)

    def health(self, model: str) -> Health:
        """How ``model`` is."""
        if model not in self._models:
            return Health("failed", "it is not open")
        is_up = self._link is not None and self._watch.has_heard
        return self._models[model].health(None if is_up else f"the worker {self._last_death or 'starts'}")

    def load(self, model: str) -> Load | None:
        """How busy ``model`` was, at most 0.1 s ago while it works; None: nothing was heard yet."""
        return self._models[model].load if model in self._models else None

    async def open(self, order: Open) -> Opened:
        """Load a model under a name that no other has; raises BackendError where that fails."""
        assert order.model not in self._models, "names of models are given out once"
        model = self._models[order.model] = Model(order)
        self._wanted.set()
        self._keeping = self._keeping or asyncio.create_task(self._keep_alive(), name="llama.cpp worker")
        if self._link is not None:
            self._link.send(order)
        try:
            return await model.opened
        except BaseException:
            self.close_model(order.model)
            raise

    def close_model(self, name: str) -> None:
        """Unload a model and fail what it was asked for; unknown names are ignored."""
        if self._models.pop(name, None) is None:
            return
        for ticket in self._tickets_of(name):
            self._give_up(ticket, Unavailable("the backend was closed before the answer was complete"))
        if not self._models:
            self._wanted.clear()
        if self._link is not None:
            self._link.send(Close(name))

    def submit(self, name: str, work: Work) -> AnswerTicket:
        """Have an answer written; close the ticket. Raises Unavailable; Overloaded where too many wait."""
        model = self._model(name)
        under_way = len(self._tickets_of(name))
        if under_way >= model.capacity:
            raise Overloaded(
                f"{under_way} requests run or wait and no more may; try again soon, or raise queue_length"
            )
        ticket = AnswerTicket(name, work, self._release)
        self._admit(ticket)
        return ticket

    async def call(self, order: Embed | AddAdapter | RemoveAdapter) -> Reply:
        """Have an order carried out; raises BackendError."""
        model = self._model(order.model)
        ticket = ReplyTicket(order)
        self._admit(ticket)
        try:
            reply = await ticket.reply
        finally:
            self._release(ticket)
        if isinstance(order, AddAdapter):
            model.order = model.order.with_adapter(
                order.name, AdapterOptions(path=order.path, scale=order.scale)
            )
        elif isinstance(order, RemoveAdapter):
            model.order = model.order.with_adapter(order.name, None)
        return reply

    async def close(self) -> None:
        """Kill the worker and fail what is under way. Does nothing the second time."""
        for name in tuple(self._models):
            self.close_model(name)
        keeping, self._keeping = self._keeping, None
        if keeping is not None:
            keeping.cancel()
            await asyncio.wait({keeping})

    def _model(self, name: str) -> Model:
        model = self._models.get(name)
        if model is None:
            raise Unavailable(f"the model {name} is not open")
        if model.error is not None:
            if self._clock() < model.reprieve_s:
                raise model.error
            model.reprieve()
            if self._link is not None:
                self._link.send(model.order)
        return model

    def _tickets_of(self, name: str) -> list[Ticket]:
        return [ticket for ticket in self._tickets.values() if ticket.model == name]

    def _admit(self, ticket: Ticket) -> None:
        self._tickets[ticket.id] = ticket
        if self._link is not None:
            self._send(self._link, ticket)

    def _release(self, ticket: Ticket) -> None:
        if self._tickets.pop(ticket.id, None) is not None and self._link is not None:
            self._link.send(Cancel(ticket.model, ticket.id))

    def _send(self, link: Link, ticket: Ticket) -> None:
        try:
            link.send(ticket.order())
            ticket.is_sent = True
        except FrameError as exc:
            self._give_up(ticket, Refused(f"the request is too long for the worker: {exc}"))

    def _give_up(self, ticket: Ticket, error: Unavailable | Refused) -> None:
        self._tickets.pop(ticket.id, None)
        ticket.fail(error)

    async def _keep_alive(self) -> None:
        while True:
            await self._wanted.wait()
            reason = await self._live()
            self._mourn(reason)
            await asyncio.sleep(self._backoff.delay_s())

    async def _live(self) -> str:
        """Start a worker, give it everything that is wanted, and return what it died of."""
        self._watch = Watch(self._patience)
        self._backoff.started()
        link = Link(self._take)
        try:
            await link.start(self._command or worker_command())
        except OSError as exc:
            return f"could not be started ({exc.strerror})"
        self._link = link
        try:
            for model in self._models.values():
                if model.error is None:
                    link.send(model.order)
            for ticket in tuple(self._tickets.values()):
                self._send(link, ticket)
            reason = await self._watch_over(link)
        finally:
            self._link = None
            await link.close()
        logger.info("the worker's last lines:\n%s", link.last_lines)
        # Once it answers, what it says might be about an answer.
        may_tell = self._watch.loading is not None or not self._watch.has_heard
        return f"{reason}: {link.last_complaint}" if may_tell and link.last_complaint else reason

    async def _watch_over(self, link: Link) -> str:
        ended = asyncio.ensure_future(link.ended())
        while not (await asyncio.wait({ended}, timeout=self._patience.tick_s))[0]:
            verdict = self._watch.tick()
            if verdict is not None:
                link.condemn(verdict)
            link.send(Ping())
        return ended.result()

    def _mourn(self, reason: str) -> None:
        """Find out who may have killed the worker: what it was loading, else what it was carrying out."""
        self.death_count += 1
        self._last_death = reason
        logger.warning("the worker %s; it is started again", reason)
        suspects: list[Ticket] = []
        if self._watch.loading in self._models:
            model = self._models[self._watch.loading]
            self._charge(model, KilledWorker(_died_twice(f"on loading {model.order.path}", reason)))
        elif self._watch.has_heard:
            sent = [ticket for ticket in self._tickets.values() if ticket.is_sent]
            suspects = [ticket for ticket in sent if ticket.is_suspect] or sent
        else:
            suspects = list(self._tickets.values())
            for model in tuple(self._models.values()):
                if not model.has_been_open:
                    self._charge(model, Unavailable(_died_twice("before it could begin", reason)))
        for ticket in self._tickets.values():
            ticket.lose_worker()
        for ticket in suspects:
            ticket.death_count += 1
            if ticket.death_count >= _MAX_DEATH_COUNT:
                self._give_up(ticket, Unavailable(_died_twice("on this request", reason)))

    def _charge(self, model: Model, error: Unavailable) -> None:
        """Hold a death against ``model``; with the second in a row it has failed, for ``error``."""
        model.load_death_count += 1
        if model.load_death_count >= _MAX_DEATH_COUNT:
            model.fail_load(error, self._clock())
            for ticket in self._tickets_of(model.order.model):
                self._give_up(ticket, error)

    def _take(self, report: Report) -> None:
        """Take what the worker says; what nobody waits for any more is ignored."""
        for name in report.opening:
            self._watch.opening(name)
        for opened in report.opened:
            self._watch.opened(opened.model)
            if opened.model in self._models:
                self._models[opened.model].take_opened(opened)
        for failure in report.open_failed:
            self._watch.opened(failure.model)
            if failure.model in self._models:
                self._models[failure.model].take_open_failed(failure.fault.to_error())
        self._take_events(report)
        for name, load in report.loads.items():
            if name in self._models:
                self._models[name].load = load
        if report.pulse is not None:
            self._watch.hear(report.pulse)

    def _take_events(self, report: Report) -> None:
        tickets = self._tickets
        for began in report.began:
            ticket = tickets.get(began.id)
            if isinstance(ticket, AnswerTicket):
                ticket.began(began)
        for wrote in report.wrote:
            ticket = tickets.get(wrote.id)
            if isinstance(ticket, AnswerTicket) and ticket.wrote(wrote):
                del tickets[wrote.id]
        for failed in report.failed:
            ticket = tickets.pop(failed.id, None)
            if ticket is not None:
                ticket.fail(failed.fault.to_error())
        for reply in report.replies:
            ticket = tickets.pop(reply.id, None)
            if isinstance(ticket, ReplyTicket):
                ticket.replied(reply)


def _died_twice(doing: str, reason: str) -> str:
    return f"the worker died twice {doing} (the last one {reason})"
