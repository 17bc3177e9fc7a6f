"""Rows on their way from a host tier into slots, while others are at work.

A mover copies in the background. ``start`` may be called for several slots before the first
``wait``; ``wait`` comes once for each ``start`` before the slot is read, and ``release`` once its
last reader is under way, before anything else is started into it.
"""

from __future__ import annotations

import mmap
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

import numpy as np
import torch

from backends.moe.store.tiers import Bytes, Tier


class Mover(Protocol):
    """See the module."""

    def start(self, layer: int, expert: int, span: slice, slot: int) -> None:
        """Begin to fill bytes ``span`` of ``slot`` from the expert's row."""
        ...

    def wait(self, slot: int) -> None:
        """Let nothing after this call read ``slot`` before it is filled; raises OSError where that failed."""
        ...

    def release(self, slot: int) -> None:
        """Let ``slot`` be filled again once everything begun so far is done with it."""
        ...

    def close(self) -> None:
        """Wait for what is on its way; then end."""
        ...


class ThreadMover:
    """Between two memories of the host: a thread copies, or as many as the tier's disk can use."""

    def __init__(self, tier: Tier, arena: torch.Tensor) -> None:
        self._tier = tier
        self._slots: list[Bytes] = list(arena.numpy())
        self._pool = ThreadPoolExecutor(tier.reader_count, thread_name_prefix="upshift-experts")
        self._flights: dict[int, Future[None]] = {}

    def start(self, layer: int, expert: int, span: slice, slot: int) -> None:
        """See :class:`Mover`."""
        self._flights[slot] = self._pool.submit(self._tier.read, layer, expert, span, self._slots[slot])

    def wait(self, slot: int) -> None:
        """See :class:`Mover`."""
        if flight := self._flights.pop(slot, None):
            flight.result()

    def release(self, slot: int) -> None:
        """Do nothing: on a processor a reader is done when it returns."""

    def close(self) -> None:
        """See :class:`Mover`."""
        self._pool.shutdown(cancel_futures=True)
        self._slots = []


class StreamMover:
    """From the host to a GPU: a stream of its own, an event a slot.

    Pinned rows are copied from where they lie; others a thread reads into pinned memory first, which
    also checks them.
    """

    def __init__(self, tier: Tier, arena: torch.Tensor) -> None:
        self._tier = tier
        self._arena = arena
        self._stream = torch.cuda.Stream(arena.device)  # type: ignore[no-untyped-call]
        self._filled: dict[int, torch.cuda.Event] = {}
        self._released: dict[int, torch.cuda.Event] = {}
        self._reader = None if tier.name == "pinned" else ThreadPoolExecutor(1, "upshift-experts")
        self._staging = None if self._reader is None else _Staging(arena.shape[1])
        self._flights: dict[int, Future[None]] = {}

    def start(self, layer: int, expert: int, span: slice, slot: int) -> None:
        """See :class:`Mover`."""
        if self._reader is None:
            rows = self._tier.rows(layer)
            assert rows is not None
            self._copy(rows[expert, span], span, slot)
        else:
            self._flights[slot] = self._reader.submit(self._read_and_copy, layer, expert, span, slot)

    def wait(self, slot: int) -> None:
        """See :class:`Mover`."""
        if flight := self._flights.pop(slot, None):
            flight.result()
        if filled := self._filled.pop(slot, None):
            torch.cuda.current_stream(self._arena.device).wait_event(filled)

    def release(self, slot: int) -> None:
        """See :class:`Mover`."""
        self._released[slot] = torch.cuda.current_stream(self._arena.device).record_event()

    def close(self) -> None:
        """See :class:`Mover`."""
        if self._reader is not None:
            self._reader.shutdown(cancel_futures=True)
        self._stream.synchronize()
        self._arena = self._arena[:0].clone()  # frees the slots

    def _copy(self, source: torch.Tensor, span: slice, slot: int) -> None:
        if released := self._released.pop(slot, None):
            self._stream.wait_event(released)
        with torch.cuda.stream(self._stream):
            self._arena[slot, span].copy_(source, non_blocking=True)
        self._filled[slot] = self._stream.record_event()

    def _read_and_copy(self, layer: int, expert: int, span: slice, slot: int) -> None:
        assert self._staging is not None
        row = self._staging.next()
        self._tier.read(layer, expert, span, row.numpy())
        self._copy(row[span], span, slot)
        self._staging.in_use_until(self._filled[slot])


class _Staging:
    """Two pinned rows in turn: one is read from disk while the other is copied to the GPU."""

    def __init__(self, byte_count: int) -> None:
        # Whole pages, since torch's pinned allocator aligns large blocks to them.
        self._rows = [torch.empty(byte_count, dtype=torch.uint8, pin_memory=True) for _ in range(2)]
        self._events: list[torch.cuda.Event | None] = [None, None]
        self._turn = 0

    def next(self) -> torch.Tensor:
        self._turn ^= 1
        if event := self._events[self._turn]:
            event.synchronize()
        return self._rows[self._turn]

    def in_use_until(self, event: torch.cuda.Event) -> None:
        self._events[self._turn] = event


def new_arena(slot_count: int, byte_count: int, device: str) -> torch.Tensor:
    """Memory for ``slot_count`` rows on ``device``, uint8; on the host aligned to pages, for direct reads."""
    if device != "cpu":
        return torch.empty((slot_count, byte_count), dtype=torch.uint8, device=device)
    memory = mmap.mmap(-1, slot_count * byte_count)
    return torch.from_numpy(np.frombuffer(memory, np.uint8).reshape(slot_count, byte_count))


def mover_for(tier: Tier, arena: torch.Tensor) -> Mover:
    """Make the mover that suits the arena's device."""
    return ThreadMover(tier, arena) if arena.device.type == "cpu" else StreamMover(tier, arena)
