"""Decode steps as CUDA graphs: recorded once their shape has come a few times, then replayed.

A step launches thousands of small kernels, and launching costs more than computing them. Where a
step cannot be recorded, the engine goes on without.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from typing import Any

import torch

from backends.moe.device.captured import Captured
from backends.moe.serving.cache import SlotCache
from backends.moe.serving.step import Inputs, Shape, Step

logger = logging.getLogger(__name__)

# Recording takes some four steps' time; shapes that come and go are not worth it.
_SEEN_BEFORE = 3
_MOST_GRAPHS = 64

Recorder = Callable[[Callable[[], torch.Tensor], torch.device], Callable[[], torch.Tensor]]


class Replays:
    """Runs ``step`` on ``cache``, from a graph where there is one.

    ``most_tokens``: longer steps may ask the device for values, so they are not recorded; None: none does.
    ``recorder`` makes what replays a step; None: CUDA graphs.
    """

    def __init__(
        self,
        step: Step,
        cache: SlotCache,
        device: torch.device,
        most_tokens: int | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        self._step = step
        self._cache = cache
        self._device = device
        self._most_tokens = most_tokens
        self._seen: Counter[Shape] = Counter()
        self._graphs: dict[Shape, Callable[[], torch.Tensor]] = {}
        self._length = cache.length
        self._recorder = recorder or _Graphs()
        self._works = True

    def logits(self, shape: Shape, inputs: Inputs) -> torch.Tensor:
        """Logits of ``inputs``, which lie in the same tensors whenever ``shape`` comes.

        They stand until the next call.
        """
        if self._length != self._cache.length:
            # The cache has moved, and graphs would write where it was.
            self._graphs.clear()
            self._length = self._cache.length
        if shape not in self._graphs and self._is_worth(shape):
            self._record(shape, inputs)
        if shape in self._graphs:
            return self._graphs[shape]()
        return self._step.forward(inputs, inputs.indexed(shape.length))

    def _is_worth(self, shape: Shape) -> bool:
        self._seen[shape] += 1
        few = self._most_tokens is None or shape.row_count * shape.token_count <= self._most_tokens
        return self._works and few and self._seen[shape] > _SEEN_BEFORE and len(self._graphs) < _MOST_GRAPHS

    def _record(self, shape: Shape, inputs: Inputs) -> None:
        place = inputs.indexed(shape.length)
        try:
            graph = self._recorder(lambda: self._step.forward(inputs, place), self._device)
        except RuntimeError as exc:
            if isinstance(exc, torch.OutOfMemoryError):
                raise
            self._works = False
            logger.warning("steps are not recorded as CUDA graphs, which costs speed: %s", type(exc).__name__)
            return
        self._graphs[shape] = graph


class _Graphs:
    """Records CUDA graphs that share their memory, for only one runs at a time."""

    def __init__(self) -> None:
        self._pool: Any = None

    def __call__(self, step: Callable[[], torch.Tensor], device: torch.device) -> Callable[[], torch.Tensor]:
        self._pool = self._pool or torch.cuda.graph_pool_handle()
        return Captured(step, device, self._pool)
