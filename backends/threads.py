"""One worker thread for a blocking engine, and the one bridge to it.

Decides how items cross from a thread that computes to a loop that waits: in order, bounded,
and with a stop flag that the engine looks at between tokens. Knows nothing of models.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

# Items that may wait between engine and loop; a consumer this far behind holds the engine back.
_HANDOFF_ITEM_COUNT = 256


class _End:
    """Nothing more comes: used up, closed before it began, or broken by ``error``."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class WorkerThread:
    """Runs blocking work on a thread of its own, one job at a time, first come first served."""

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._stops: set[threading.Event] = set()

    async def call(self, work: Callable[[], T]) -> T:
        """Run ``work`` on the thread and return what it returns."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    async def iterate(self, produce: Callable[[threading.Event], Iterator[T]]) -> AsyncGenerator[T]:
        """Yield what ``produce(stop)`` yields on the thread.

        ``produce`` must look at ``stop`` often and return soon after it is set. It is set when
        this iterator is closed or cancelled, or the thread is closed; a job that has not begun by
        then never begins, and the iterator just ends.
        """
        loop = asyncio.get_running_loop()
        items: asyncio.Queue[Any] = asyncio.Queue()
        room = threading.Semaphore(_HANDOFF_ITEM_COUNT)
        stop = threading.Event()
        self._stops.add(stop)
        job = self._executor.submit(_pump, produce, stop, room, loop, items)
        job.add_done_callback(lambda done: _put(loop, items, _End(None)) if done.cancelled() else None)
        try:
            while not isinstance(item := await items.get(), _End):
                room.release()
                yield item
            if item.error is not None:
                raise item.error
        finally:
            stop.set()
            room.release()
            job.cancel()
            self._stops.discard(stop)

    async def close(self) -> None:
        """Stop every job and wait for the thread to end."""
        for stop in tuple(self._stops):
            stop.set()
        await asyncio.to_thread(self._executor.shutdown, wait=True, cancel_futures=True)


def _pump(
    produce: Callable[[threading.Event], Iterator[T]],
    stop: threading.Event,
    room: threading.Semaphore,
    loop: asyncio.AbstractEventLoop,
    items: asyncio.Queue[Any],
) -> None:
    """Carry items from the engine to the loop until one of them has had enough."""
    try:
        for item in produce(stop):
            room.acquire()
            if stop.is_set():
                break
            _put(loop, items, item)
        _put(loop, items, _End(None))
    except BaseException as error:  # noqa: BLE001  the one bridge: whatever the engine raises is raised in the loop
        _put(loop, items, _End(error))


def _put(loop: asyncio.AbstractEventLoop, items: asyncio.Queue[Any], item: object) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(items.put_nowait, item)
