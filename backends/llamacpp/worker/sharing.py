"""Which backends share a worker: those that name the same one, on the same event loop.

A supervisor belongs to the loop that it was made on, so the register is kept by loop, and only touched
from the loop's own thread.
"""

from __future__ import annotations

import asyncio
from itertools import count
from weakref import WeakKeyDictionary

from backends.llamacpp.worker.supervisor import Supervisor


class Lease:
    """A share in a worker, and a name for one model there. Release it."""

    def __init__(self, supervisor: Supervisor, worker: str | None, model: str) -> None:
        self.supervisor = supervisor
        self.model = model
        self._worker = worker
        self._is_held = True

    async def release(self) -> None:
        """Give the model and the share back; the last one ends the worker. Does nothing the second time."""
        if not self._is_held:
            return
        self._is_held = False
        self.supervisor.close_model(self.model)
        if self._worker is None or _give_back(self._worker):
            await self.supervisor.close()


class _Shared:
    def __init__(self) -> None:
        self.supervisor = Supervisor()
        self.holder_count = 0


_SHARED: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, _Shared]] = WeakKeyDictionary()
_NUMBERS = count(1)


def lease(worker: str | None, model: str) -> Lease:
    """Take a share in the worker called ``worker`` on the running loop; None: one of its own.

    ``model`` becomes part of the name that the lease gives its model.
    """
    name = f"{model}#{next(_NUMBERS)}"
    if worker is None:
        return Lease(Supervisor(), None, name)
    shared = _SHARED.setdefault(asyncio.get_running_loop(), {}).setdefault(worker, _Shared())
    shared.holder_count += 1
    return Lease(shared.supervisor, worker, name)


def _give_back(worker: str) -> bool:
    """Return one share; whether it was the last."""
    here = _SHARED[asyncio.get_running_loop()]
    here[worker].holder_count -= 1
    if here[worker].holder_count:
        return False
    del here[worker]
    return True
