"""An engine on a thread of its own, and the one bridge between it and the event loop.

Orders cross one way and take effect between two steps, events cross the other, those of a step at once.
Knows no model library.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue

from backends.engine import Engine
from backends.errors import BackendError, Unavailable
from backends.load import Load
from backends.serving.pending import PendingAnswer
from backends.serving.work import Began, Event, Failed, Work, Wrote

logger = logging.getLogger(__name__)
# How old a load may be; finding it out takes 20 us.
_LOAD_EVERY_S = 0.05
Order = Callable[[Engine], None]


class EngineThread:
    """Runs the engine that ``load`` returns; raises what that raises from ``start``.

    All methods belong on one event loop at a time. ``load_now`` is how busy the engine was a moment ago.
    """

    def __init__(self, name: str, load: Callable[[], Engine]) -> None:
        self.load_now: Load | None = None
        self._load = load
        self._name = name
        self._orders: SimpleQueue[Order | None] = SimpleQueue()
        self._answers: dict[int, PendingAnswer] = {}
        self._told_s = 0.0
        self._loaded: Future[Engine] | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def start(self) -> Engine:
        """Load the engine and let it work; once, however often it is called, unless that fails."""
        self._loop = asyncio.get_running_loop()
        # One that nobody waited for to the end may be there, or on its way.
        if self._loaded is None or (self._loaded.done() and self._loaded.exception() is not None):
            self._loaded = Future()
            # Running, so it gets its result also where nobody waits for start() any more.
            self._loaded.set_running_or_notify_cancel()
            # A daemon, so that a step that never ends cannot keep the process from doing so.
            self._thread = threading.Thread(
                target=self._run, args=(self._loaded,), name=self._name, daemon=True
            )
            self._thread.start()
        return await asyncio.wrap_future(self._loaded)

    async def close(self) -> None:
        """Fail all answers, let the step that is running end, and free the engine."""
        for pending in tuple(self._answers.values()):
            pending.fail(Unavailable("the backend was closed before the answer was complete"))
        self._answers.clear()
        self._orders.put(None)
        thread, self._thread = self._thread, None
        if thread is not None:
            await asyncio.to_thread(thread.join)

    def submit(self, work: Work) -> PendingAnswer:
        """Have an answer written; close what is returned."""
        if self._thread is None or not self._thread.is_alive():
            raise Unavailable("the engine has ended; start the backend again")
        # Answers may be asked for on another loop than the one that started this, once that has ended.
        self._loop = asyncio.get_running_loop()
        pending = PendingAnswer(work, lambda: self._release(work.id))
        self._answers[work.id] = pending
        self._orders.put(lambda engine: self._begin(engine, work))
        return pending

    def _release(self, id: int) -> None:  # noqa: A002  what events call it
        if self._answers.pop(id, None) is not None:
            self._orders.put(lambda engine: engine.cancel(id))

    def _run(self, loaded: Future[Engine]) -> None:
        try:
            engine = self._load()
        except BaseException as exc:  # noqa: BLE001  raised again where start waits
            loaded.set_exception(exc)
            return
        self.load_now = engine.load()
        loaded.set_result(engine)
        try:
            while self._carry_out(engine):
                self._step(engine)
        finally:
            self._fail(tuple(self._answers), "it has ended")
            engine.close()

    def _begin(self, engine: Engine, work: Work) -> None:
        try:
            engine.submit(work)
        except BackendError as exc:
            failed = Failed(work.id, exc)
            self._tell(lambda: self._deliver([failed]))

    def _carry_out(self, engine: Engine) -> bool:
        """Carry out the orders that are there, waiting for one where there is no work; False: to end."""
        while True:
            try:
                order = self._orders.get(block=not engine.has_work)
            except Empty:
                return True
            if order is None:
                return False
            order(engine)

    def _step(self, engine: Engine) -> None:
        try:
            events = engine.step()
        except Exception as exc:  # its own fault, not an answer's: begin with the next ones anew
            logger.exception("a step of %s failed", self._name)
            under_way, events = tuple(self._answers), []
            for id_ in under_way:
                engine.cancel(id_)
            self._fail(under_way, type(exc).__name__)
        now_s = time.monotonic()
        if now_s - self._told_s >= _LOAD_EVERY_S or not engine.has_work:
            self._told_s, self.load_now = now_s, engine.load()
        if events:
            self._tell(lambda: self._deliver(events))

    def _tell(self, what: Callable[[], None]) -> None:
        assert self._loop is not None, "the thread runs after start"
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(what)

    def _fail(self, ids: tuple[int, ...], reason: str) -> None:
        error = Unavailable(f"the engine failed ({reason}); ask again")
        self._tell(lambda: self._deliver([Failed(id_, error) for id_ in ids]))

    def _deliver(self, events: list[Event]) -> None:
        for event in events:
            pending = self._answers.get(event.id)
            if pending is None:
                continue
            match event:
                case Began():
                    pending.began(event)
                case Wrote():
                    if pending.wrote(event):
                        del self._answers[event.id]
                case Failed():
                    del self._answers[event.id]
                    pending.fail(event.error)
