"""What the service and its worker process say to each other, and how it is written.

Orders go to the worker, reports come back. A report holds all that one step of all engines brought,
so a step costs one frame and one write. Written as JSON and checked strictly on reading: a worker
that a hostile file has taken over can send nonsense, but cannot make the reader run anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from backends.errors import BackendError, ContextTooLong, Overloaded, Refused, TimedOut, Unavailable
from backends.llamacpp.options import AdapterOptions, LlamaCppOptions
from backends.llamacpp.worker.frames import FrameError, frame
from backends.load import Load
from backends.serving.work import Began, Work, Wrote

ErrorKind = Literal["unavailable", "overloaded", "timed_out", "context_too_long", "refused"]
_ERRORS: dict[ErrorKind, type[BackendError]] = {
    "unavailable": Unavailable,
    "overloaded": Overloaded,
    "timed_out": TimedOut,
    "context_too_long": ContextTooLong,
    "refused": Refused,
}


@dataclass(frozen=True, slots=True)
class Open:
    """Load a model, and keep it ready until it is closed.

    ``model`` is the name that the other messages use. ``extra_buffers`` None: find out by a self-test
    whether weights may be repacked here.
    """

    model: str
    path: str
    options: LlamaCppOptions
    extra_buffers: bool | None = None
    kind: Literal["open"] = "open"

    def with_adapter(self, name: str, adapter: AdapterOptions | None) -> Open:
        """Return the order with ``adapter`` under ``name``, or without one (None)."""
        adapters = {key: value for key, value in self.options.adapters.items() if key != name}
        if adapter is not None:
            adapters[name] = adapter
        return replace(self, options=self.options.model_copy(update={"adapters": adapters}))


@dataclass(frozen=True, slots=True)
class Close:
    """Forget a model and all its work."""

    model: str
    kind: Literal["close"] = "close"


@dataclass(frozen=True, slots=True)
class Submit:
    """Write an answer. Events name it by the work's id, which no other order to this worker has."""

    model: str
    work: Work
    kind: Literal["submit"] = "submit"


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop an answer or drop another order; unknown ids are ignored."""

    model: str
    id: int
    kind: Literal["cancel"] = "cancel"


@dataclass(frozen=True, slots=True)
class Embed:
    """Compute the embeddings of texts, given as tokens; answered by a Reply with vectors."""

    model: str
    id: int
    texts: tuple[tuple[int, ...], ...]
    kind: Literal["embed"] = "embed"


@dataclass(frozen=True, slots=True)
class AddAdapter:
    """Load a LoRA adapter, in place of one of the same name; answered by a Reply."""

    model: str
    id: int
    name: str
    path: str
    scale: float
    kind: Literal["add_adapter"] = "add_adapter"


@dataclass(frozen=True, slots=True)
class RemoveAdapter:
    """Forget a LoRA adapter; answered by a Reply."""

    model: str
    id: int
    name: str
    kind: Literal["remove_adapter"] = "remove_adapter"


@dataclass(frozen=True, slots=True)
class Ping:
    """Ask for a pulse."""

    kind: Literal["ping"] = "ping"


ForModel = Submit | Embed | AddAdapter | RemoveAdapter
Order = Open | Close | Cancel | Ping | ForModel


@dataclass(frozen=True, slots=True)
class Fault:
    """A BackendError on its way between processes."""

    error: ErrorKind
    message: str
    retry_after_s: float | None = None

    @classmethod
    def of(cls, error: BackendError) -> Fault:
        """Pack ``error``; a subclass that is not in the tree of backends.errors goes as its base."""
        retry_after_s = error.retry_after_s if isinstance(error, Overloaded) else None
        for kind, base in reversed(_ERRORS.items()):
            if isinstance(error, base):
                return cls(kind, str(error), retry_after_s)
        return cls("unavailable", str(error))

    def to_error(self) -> BackendError:
        """Unpack it."""
        if self.error == "overloaded":
            return Overloaded(self.message, retry_after_s=self.retry_after_s)
        return _ERRORS[self.error](self.message)


@dataclass(frozen=True, slots=True)
class WorkFailed:
    """The work or other order ``id`` is not going to be completed."""

    id: int
    fault: Fault


@dataclass(frozen=True, slots=True)
class Opened:
    """A model is loaded. ``memory_byte_count`` is an estimate of all that it takes."""

    model: str
    context_token_count: int
    memory_byte_count: int
    extra_buffers: bool


@dataclass(frozen=True, slots=True)
class OpenFailed:
    """A model could not be loaded; it is tried again when it is asked."""

    model: str
    fault: Fault


@dataclass(frozen=True, slots=True)
class Reply:
    """An order other than an answer is carried out; ``vectors`` where it asked for embeddings."""

    id: int
    vectors: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Pulse:
    """A sign of life: steps of the engine thread so far, and whether it has something to do."""

    step_count: int
    busy: bool


@dataclass(frozen=True, slots=True)
class Report:
    """What happened in the worker, to be taken in the order of the fields.

    ``opening`` names models whose loading begins now; what kills the worker until they are opened or
    failed is their fault.
    """

    opening: tuple[str, ...] = ()
    opened: tuple[Opened, ...] = ()
    open_failed: tuple[OpenFailed, ...] = ()
    began: tuple[Began, ...] = ()
    wrote: tuple[Wrote, ...] = ()
    failed: tuple[WorkFailed, ...] = ()
    replies: tuple[Reply, ...] = ()
    loads: dict[str, Load] = field(default_factory=dict)
    pulse: Pulse | None = None

    __pydantic_config__ = ConfigDict(strict=True, allow_inf_nan=False, extra="forbid")


_ORDERS: TypeAdapter[Order] = TypeAdapter(Annotated[Order, Field(discriminator="kind")])
_REPORTS: TypeAdapter[Report] = TypeAdapter(Report)


def write_order(order: Order) -> bytes:
    """Return ``order`` as a frame; raises FrameError where it is too long for one."""
    return frame(_ORDERS.dump_json(order))


def read_order(payload: bytes) -> Order:
    """Return the order that :func:`write_order` wrote; raises FrameError where it is none."""
    try:
        return _ORDERS.validate_json(payload, strict=True)
    except ValidationError as exc:
        raise FrameError(_summary("order", exc)) from exc


def write_report(report: Report) -> bytes:
    """Return ``report`` as a frame; raises FrameError where it is too long for one."""
    return frame(_REPORTS.dump_json(report, exclude_defaults=True))


def read_report(payload: bytes) -> Report:
    """Return the report that :func:`write_report` wrote; raises FrameError where it is none."""
    try:
        return _REPORTS.validate_json(payload)
    except ValidationError as exc:
        raise FrameError(_summary("report", exc)) from exc


def _summary(noun: str, error: ValidationError) -> str:
    """Say what is wrong without the values, which may hold a prompt."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"not a valid {noun}: {first['type']} at {place or 'its beginning'}"
