"""Loads models beside the engine thread, so that those that are loaded go on.

Whatever a file does to the process that loads it, it does here, where a death is survived: also what
the service will do with the file's vocabulary and chat template is rehearsed here first.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from backends.errors import BackendError, Refused, Unavailable
from backends.llamacpp import native
from backends.llamacpp.engine.engine import Engine
from backends.llamacpp.models.header import read_header
from backends.llamacpp.models.shape import shape_of, weight_byte_count
from backends.llamacpp.options import LlamaCppOptions
from backends.llamacpp.selftest import may_use_extra_buffers
from backends.llamacpp.vocabulary import Vocabulary
from backends.llamacpp.worker.messages import Open
from backends.types import Message, Prompt, Role

_COMPLAINT_LENGTH = 300
_REHEARSAL = Prompt((Message(Role.SYSTEM, "Be brief."), Message(Role.USER, "Hello, 123 wörlds!")))


class _Complaints(logging.Handler):
    """Keeps the first that llama.cpp calls an error: it tells why a file cannot be loaded."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.first = ""

    def __enter__(self) -> Self:
        native.logger.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        native.logger.removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if not self.first and "error" in text:
            self.first = text.strip()[:_COMPLAINT_LENGTH]


@dataclass(frozen=True, slots=True)
class Landed:
    """The end of a load: an engine, or the error that there is instead."""

    model: str
    outcome: Engine | BackendError
    extra_buffers: bool = False


class Loader:
    """Carries out one load at a time, in order, and hands what came of it to ``deliver``.

    Every load has a thread that ends with it. Loading computes once, and OpenMP keeps threads for whoever
    has computed as long as it lives; as soon as there are more of them than cores, none spins any more, and
    each token of the engine's takes twice as long (37 ms for 19; 0.6B, 2 threads, 2 cores).
    """

    def __init__(self, deliver: Callable[[Landed], None]) -> None:
        self._deliver = deliver
        self._latest: threading.Thread | None = None

    def begin(self, order: Open) -> None:
        """Start to load what ``order`` names, once what was to be loaded before it is."""
        before = self._latest

        def load() -> None:
            if before is not None:
                before.join()
            self._deliver(_land(order))

        self._latest = threading.Thread(target=load, name="loader", daemon=True)
        self._latest.start()


def expected_byte_count(path: Path, options: LlamaCppOptions) -> int:
    """Bytes that a model and its draft model will take: weights and KV cache; buffers come on top.

    Raises Unavailable where a file is not a sound one.
    """
    paths = [path] if options.draft_model is None else [path, Path(options.draft_model)]
    return sum(_expected_byte_count(one, options) for one in paths)


def _expected_byte_count(path: Path, options: LlamaCppOptions) -> int:
    try:
        header = read_header(path)
        shape = shape_of(header)
    except Refused as exc:
        raise Unavailable(str(exc)) from exc
    per_token = shape.kv_bytes_per_token(options.key_cache_type, options.value_cache_type)
    length = min(options.context_token_count, shape.context_token_count)
    return weight_byte_count(header) + per_token * length * options.sequence_count


def _land(order: Open) -> Landed:
    with _Complaints() as complaints:
        landed = _load(order)
    if isinstance(landed.outcome, Unavailable) and complaints.first:
        return replace(landed, outcome=Unavailable(f"{landed.outcome}: {complaints.first}"))
    return landed


def _load(order: Open) -> Landed:
    try:
        path = Path(order.path)
        _rehearse(path)
        extra_buffers = order.extra_buffers
        if extra_buffers is None:
            extra_buffers = order.options.extra_buffers and may_use_extra_buffers(path)
        engine = Engine.open(path, order.options, extra_buffers=extra_buffers)
        return Landed(order.model, engine, extra_buffers)
    except BackendError as exc:
        return Landed(order.model, exc)
    except Exception as exc:  # noqa: BLE001  a file that nobody vouches for may trip anything
        return Landed(
            order.model,
            Unavailable(f"{order.path} cannot be loaded (an unforeseen {type(exc).__name__}: {exc})"),
        )


def _rehearse(path: Path) -> None:
    """Do with the vocabulary what the service will do with it, for a death or a hang to happen here."""
    with closing(Vocabulary.open(path)) as vocabulary, suppress(Refused):
        tokens = vocabulary.encode(_REHEARSAL)
        assert len(tokens) >= 0
