"""A step recorded once and replayed: one launch in place of thousands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import torch

Outcome = TypeVar("Outcome")

# Kernels are compiled and workspaces taken before recording, where both are forbidden.
_WARM_UP_COUNT = 3


class Captured(Generic[Outcome]):
    """``step`` as a CUDA graph: reads and writes the same memory at every call.

    ``step`` takes its input from tensors that stay where they are and never waits for the device. It
    runs a few times while this is made, and changes what it changes (a cache's length, say). Steps of one
    ``pool`` share memory: an outcome stands until the next of them runs.
    """

    def __init__(self, step: Callable[[], Outcome], device: torch.device, pool: Any = None) -> None:
        side = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(side):
            for _ in range(_WARM_UP_COUNT):
                step()
        torch.cuda.current_stream(device).wait_stream(side)
        self._graph = torch.cuda.CUDAGraph()
        # Other threads may ask the device for something meanwhile; that is no business of this one's.
        with torch.cuda.graph(self._graph, pool=pool, capture_error_mode="thread_local"):
            self.outcome = step()

    def __call__(self) -> Outcome:
        """Run the step; what it returned when it was recorded holds the new values."""
        self._graph.replay()
        return self.outcome
