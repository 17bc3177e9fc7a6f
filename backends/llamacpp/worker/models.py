"""What the service knows of a model in a worker: how it was opened, how it is, what it did."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Literal

from backends.errors import BackendError, Unavailable
from backends.llamacpp.worker.messages import Open, Opened
from backends.load import Load

# A model that worked before and now kills its worker may do so for want of memory: it gets another chance.
_REPRIEVE_S = 60.0


class KilledWorker(Unavailable):
    """Loading the model kills the worker, again and again."""


@dataclass(frozen=True, slots=True)
class Health:
    """How a model is, and why; ``reason`` is empty where it is ready."""

    state: Literal["ready", "restarting", "failed"]
    reason: str = ""


class Model:
    """A model that is to be kept open."""

    def __init__(self, order: Open) -> None:
        self.order = order
        self.opened: asyncio.Future[Opened] = asyncio.get_running_loop().create_future()
        self.load: Load | None = None
        self.load_death_count = 0
        self.has_been_open = False
        self.error: BackendError | None = None
        self.reprieve_s = 0.0
        self._last_failure = ""

    @property
    def capacity(self) -> int:
        """Requests that may be under way at once."""
        return self.order.options.sequence_count + self.order.options.queue_length

    def health(self, outage: str | None) -> Health:
        """How it is; ``outage``: what is wrong with the worker, None: nothing."""
        if self.error is not None:
            return Health("failed", str(self.error))
        if outage is not None:
            return Health("restarting", outage)
        return Health("failed", self._last_failure) if self._last_failure else Health("ready")

    def take_opened(self, opened: Opened) -> None:
        """Note that it is loaded. The self-test's outcome is kept: it need not be found out again."""
        self.has_been_open = True
        self.load_death_count = 0
        self._last_failure = ""
        self.order = replace(self.order, extra_buffers=opened.extra_buffers)
        if not self.opened.done():
            self.opened.set_result(opened)

    def take_open_failed(self, error: BackendError) -> None:
        """Note that it could not be loaded this time; the worker tries again when it is asked."""
        self._last_failure = str(error)
        if not self.opened.done():
            self.opened.set_exception(error)

    def fail_load(self, error: BackendError, now_s: float) -> None:
        """Note that it is not to be loaded again, for a while."""
        self.error = error
        self.reprieve_s = now_s + _REPRIEVE_S
        if not self.opened.done():
            self.opened.set_exception(error)

    def reprieve(self) -> None:
        """Give it one more chance: with the next death on loading it has failed again."""
        self.error = None
        self.load_death_count -= 1
