"""Collects what happens in a worker until it is reported: everything of one step in one report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from backends.errors import BackendError
from backends.llamacpp.engine.engine import Engine
from backends.llamacpp.worker.messages import Fault, Opened, OpenFailed, Reply, Report, WorkFailed
from backends.load import Load
from backends.serving.work import Began, Event, Failed, Wrote

# Loads are for people and gauges; each costs as much as four tokens.
_LOAD_INTERVAL_S = 0.1


class Draft:
    """A report that is being written. Loads go into it rarely; all else at once."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._loads: dict[str, Load] = {}
        self._load_due_s: dict[str, float] = {}
        self._clear()

    def take(self) -> Report:
        """Return what has come together, and begin anew."""
        report = Report(
            opening=tuple(self._opening),
            opened=tuple(self._opened),
            open_failed=tuple(self._open_failed),
            began=tuple(self._began),
            wrote=tuple(self._wrote),
            failed=tuple(self._failed),
            replies=tuple(self._replies),
            loads=self._loads_now,
        )
        self._clear()
        return report

    def opening(self, model: str) -> None:
        """Note that a load begins."""
        self._opening.append(model)

    def opened(self, model: str, engine: Engine, *, extra_buffers: bool) -> None:
        """Note that a model is loaded."""
        self._opened.append(
            Opened(model, engine.context_token_count, engine.memory_byte_count, extra_buffers)
        )

    def open_failed(self, model: str, error: BackendError) -> None:
        """Note that a model could not be loaded."""
        self._open_failed.append(OpenFailed(model, Fault.of(error)))

    def events(self, events: Iterable[Event]) -> None:
        """Note what a step of an engine brought."""
        for event in events:
            match event:
                case Wrote():
                    self._wrote.append(event)
                case Began():
                    self._began.append(event)
                case Failed():
                    self.failed(event.id, event.error)

    def failed(self, id: int, error: BackendError) -> None:  # noqa: A002  what the messages call it
        """Note that an order is not going to be completed."""
        self._failed.append(WorkFailed(id, Fault.of(error)))

    def reply(self, id: int, vectors: Sequence[Sequence[float]] = ()) -> None:  # noqa: A002
        """Note that an order other than an answer is carried out."""
        self._replies.append(Reply(id, tuple(tuple(vector) for vector in vectors)))

    def load(self, model: str, engine: Engine) -> None:
        """Note how busy an engine is, where that has changed, and at once where it has become idle."""
        now_s = self._clock()
        if engine.has_work and now_s < self._load_due_s.get(model, 0.0):
            return
        load = engine.load()
        if load != self._loads.get(model):
            self._loads[model] = self._loads_now[model] = load
            self._load_due_s[model] = now_s + _LOAD_INTERVAL_S

    def _clear(self) -> None:
        self._opening: list[str] = []
        self._opened: list[Opened] = []
        self._open_failed: list[OpenFailed] = []
        self._began: list[Began] = []
        self._wrote: list[Wrote] = []
        self._failed: list[WorkFailed] = []
        self._replies: list[Reply] = []
        self._loads_now: dict[str, Load] = {}
