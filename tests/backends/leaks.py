"""What a backend may not leave behind: tasks, sockets, threads."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

# A closed transport lets its socket go at the loop's next turns, and gRPC's own threads do so later.
_TURN_COUNT, _TURN_S = 4_000, 0.005


def open_sockets() -> set[str]:
    """Names of all sockets of this process."""
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found.add(str(entry.readlink()))
        except OSError:  # the listing's own descriptor
            continue
    return {name for name in found if name.startswith("socket:")}


def running_threads() -> set[threading.Thread]:
    """All threads, but those of asyncio's own pool, which end with the loop."""
    return {thread for thread in threading.enumerate() if not thread.name.startswith("asyncio_")}


@asynccontextmanager
async def nothing_left() -> AsyncIterator[None]:
    """Fail where the block leaves a task, a socket or a thread."""
    tasks, sockets, threads = asyncio.all_tasks(), open_sockets(), running_threads()
    yield
    # A fixture is torn down by another task than it was set up by.
    tasks.add(asyncio.current_task())  # type: ignore[arg-type]
    for turn in range(_TURN_COUNT):
        if not (asyncio.all_tasks() - tasks or open_sockets() - sockets or running_threads() - threads):
            break
        if turn % 200 == 0:
            # What an error's traceback holds in a circle goes with the collector's next round.
            gc.collect()
        await asyncio.sleep(0 if turn < _TURN_COUNT / 2 else _TURN_S)
    assert asyncio.all_tasks() - tasks == set()
    assert open_sockets() - sockets == set()
    assert running_threads() - threads == set()
