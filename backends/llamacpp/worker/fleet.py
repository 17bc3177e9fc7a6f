"""The models of one worker, under one memory budget.

Decides which of them are in memory. Where one must leave for another, it first completes what it has
begun, and what comes for it meanwhile waits; so two models that share room for one take turns. All
methods run on the engine thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

from backends.errors import BackendError, Unavailable
from backends.llamacpp.engine.engine import Engine
from backends.llamacpp.options import AdapterOptions
from backends.llamacpp.worker.budget import Resident, those_to_leave
from backends.llamacpp.worker.draft import Draft
from backends.llamacpp.worker.loading import Landed, expected_byte_count
from backends.llamacpp.worker.messages import (
    AddAdapter,
    Cancel,
    Close,
    Embed,
    ForModel,
    Open,
    RemoveAdapter,
    Report,
    Submit,
)

_MIB = 2**20


class _Berth:
    """A model's place: what it was opened with, its engine while it is in memory, and what waits for it.

    ``asked`` orders those that wait to be loaded; None: nobody waits.
    """

    def __init__(self, order: Open, asked: int, now_s: float) -> None:
        self.order = order
        self.asked: int | None = asked
        self.engine: Engine | None = None
        self.held: list[ForModel] = []
        self.used_s = now_s
        self.need_byte_count: int | None = None

    @property
    def is_busy(self) -> bool:
        return self.engine is not None and self.engine.has_work


class Fleet:
    """Carries out orders, steps the engines, and sends what happened.

    ``load`` begins a load; its end is handed to :meth:`land`.
    """

    def __init__(
        self,
        send: Callable[[Report], None],
        load: Callable[[Open], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._send = send
        self._load = load
        self._clock = clock
        self._turns = count()
        self._berths: dict[str, _Berth] = {}
        self._loading: str | None = None
        self._leaving: tuple[str, ...] = ()
        self._draft = Draft(clock)

    @property
    def has_work(self) -> bool:
        """Whether ``step`` would do anything now."""
        may_load = self._loading is None and self._next_to_load() is not None
        return may_load or any(berth.is_busy for berth in self._berths.values())

    def obey(self, order: Open | Close | Cancel | ForModel) -> None:
        """Carry out ``order``, or keep it until its model is there."""
        match order:
            case Open():
                self._berths[order.model] = _Berth(order, next(self._turns), self._clock())
            case Close():
                self._close(order.model)
            case Cancel():
                self._cancel(order)
            case _:
                self._take(order)

    def land(self, landed: Landed) -> None:
        """Take in what came of a load."""
        self._loading = None
        berth = self._berths.get(landed.model)
        if isinstance(landed.outcome, BackendError):
            self._fail_load(landed.model, landed.outcome)
        elif berth is None:
            landed.outcome.close()
        else:
            berth.engine, berth.used_s = landed.outcome, self._clock()
            self._draft.opened(landed.model, landed.outcome, extra_buffers=landed.extra_buffers)
            # At once: idle, it would have to leave again for the next that waits.
            self._carry_out_held(berth, landed.outcome)

    def step(self) -> None:
        """Let every model that has work make one step, and send all that happened since the last call."""
        self._make_room()
        for name, berth in self._berths.items():
            if berth.engine is not None:
                self._step_one(name, berth, berth.engine)
        report = self._draft.take()
        if report != Report():
            self._send(report)

    def _step_one(self, name: str, berth: _Berth, engine: Engine) -> None:
        if name not in self._leaving:
            self._carry_out_held(berth, engine)
        if engine.has_work:
            self._draft.events(engine.step())
            berth.used_s = self._clock()
        self._draft.load(name, engine)

    def _take(self, order: ForModel) -> None:
        berth = self._berths.get(order.model)
        if berth is None:
            self._draft.failed(_id_of(order), Unavailable(f"the model {order.model} is not open"))
        elif berth.engine is None or order.model in self._leaving:
            berth.held.append(order)
            berth.asked = next(self._turns) if berth.asked is None else berth.asked
        else:
            self._carry_out(berth, berth.engine, order)

    def _carry_out_held(self, berth: _Berth, engine: Engine) -> None:
        held, berth.held, berth.asked = berth.held, [], None
        for order in held:
            self._carry_out(berth, engine, order)

    def _carry_out(self, berth: _Berth, engine: Engine, order: ForModel) -> None:
        berth.used_s = self._clock()
        try:
            match order:
                case Submit():
                    engine.submit(order.work)
                case Embed():
                    self._draft.reply(order.id, engine.embed(order.texts))
                case AddAdapter():
                    engine.add_adapter(order.name, Path(order.path), order.scale)
                    adapter = AdapterOptions(path=order.path, scale=order.scale)
                    berth.order = berth.order.with_adapter(order.name, adapter)
                    self._draft.reply(order.id)
                case RemoveAdapter():
                    engine.remove_adapter(order.name)
                    berth.order = berth.order.with_adapter(order.name, None)
                    self._draft.reply(order.id)
        except BackendError as exc:
            self._draft.failed(_id_of(order), exc)

    def _cancel(self, order: Cancel) -> None:
        berth = self._berths.get(order.model)
        if berth is None:
            return
        berth.held = [held for held in berth.held if _id_of(held) != order.id]
        if berth.engine is not None:
            berth.engine.cancel(order.id)

    def _close(self, name: str) -> None:
        berth = self._berths.pop(name, None)
        if berth is not None and berth.engine is not None:
            berth.engine.close()

    def _next_to_load(self) -> str | None:
        """The model that has waited longest for being loaded."""
        waiting = [
            (berth.asked, name)
            for name, berth in self._berths.items()
            if berth.engine is None and berth.asked is not None
        ]
        return min(waiting)[1] if waiting else None

    def _make_room(self) -> None:
        """Begin the next load, or have those who take its room leave: the idle at once."""
        self._leaving = ()
        name = None if self._loading is not None else self._next_to_load()
        if name is None:
            return
        try:
            self._leaving = self._those_to_leave_for(self._berths[name])
        except BackendError as exc:
            self._fail_load(name, exc)
            return
        for berth in map(self._berths.__getitem__, self._leaving):
            if berth.engine is not None and not berth.is_busy:
                berth.engine.close()
                berth.engine = None
        if all(self._berths[leaving].engine is None for leaving in self._leaving):
            self._loading, self._leaving = name, ()
            # Told before it begins: it may be the last that this process does.
            self._send(Report(opening=(name,)))
            self._load(self._berths[name].order)

    def _those_to_leave_for(self, berth: _Berth) -> tuple[str, ...]:
        if berth.need_byte_count is None:
            berth.need_byte_count = expected_byte_count(Path(berth.order.path), berth.order.options)
        residents = [
            Resident(name, other.engine.memory_byte_count, other.used_s)
            for name, other in self._berths.items()
            if other.engine is not None
        ]
        # The tightest limit that a model brought.
        limits = [other.order.options.memory_limit_mib for other in self._berths.values()]
        limit = min((limit * _MIB for limit in limits if limit is not None), default=None)
        return those_to_leave(residents, berth.need_byte_count, limit)

    def _fail_load(self, name: str, error: BackendError) -> None:
        self._draft.open_failed(name, error)
        berth = self._berths.get(name)
        if berth is not None:
            held, berth.held, berth.asked = berth.held, [], None
            for order in held:
                self._draft.failed(_id_of(order), error)


def _id_of(order: ForModel) -> int:
    return order.work.id if isinstance(order, Submit) else order.id
