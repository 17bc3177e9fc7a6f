"""The inside of a worker process: take a task, run it, send what it yields, take the next."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any

from router.documents.errors import DocumentError, DocumentRefused, EngineFailed


@dataclass(frozen=True, slots=True)
class Task:
    """Run the generator ``function``, "module:name", with ``arguments``."""

    function: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """Something that a task yielded."""

    value: Any


@dataclass(frozen=True, slots=True)
class Ended:
    """A task came to its end."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A task raised."""

    error: Exception


def work(pipe: Connection, memory_bytes: int) -> None:
    """Serve tasks until the pipe closes, as it does when the parent dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    _bound_memory(memory_bytes)
    while True:
        try:
            task = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            for value in _run(task):
                pipe.send(Item(value))
            pipe.send(Ended())
        except (BrokenPipeError, ConnectionResetError):
            return
        except MemoryError:
            pipe.send(Failed(EngineFailed(f"it needs more than {memory_bytes:,} bytes of memory")))
        except Exception as error:  # noqa: BLE001  this is the edge of the process
            pipe.send(Failed(_portable(error)))


def _run(task: Task) -> Iterator[Any]:
    module, _, name = task.function.partition(":")
    yield from getattr(import_module(module), name)(*task.arguments)


def _portable(error: Exception) -> Exception:
    """Our own errors themselves, of foreign ones the words: their classes may not travel."""
    if isinstance(error, DocumentRefused | DocumentError):
        return error
    return EngineFailed(f"{type(error).__name__}: {error}")


def _bound_memory(memory_bytes: int) -> None:
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
