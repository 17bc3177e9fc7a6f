"""Experts of a prompt: many tokens choose nearly all of them, so whole layers stream past the arena.

While one layer computes, the next is on its way into the other of two buffers. What decoding keeps in
the arena stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import triton
from torch.nn import functional

from backends.moe.device.kernel_project import TYPES, restore
from backends.moe.store.layout import RowLayout

# Bytes of matrices written out at once; enough to keep the GPU busy, little beside an arena.
_RESTORED_BYTES = 256 * 2**20
_RESTORE_BLOCK = 32


class LayerStream:
    """Brings whole layers of ``rows`` (of each uint8, (experts, row bytes), pinned) to ``device``."""

    def __init__(self, rows: Sequence[torch.Tensor], device: torch.device) -> None:
        self._rows = rows
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._buffers = [torch.empty(rows[0].shape, dtype=torch.uint8, device=device) for _ in range(2)]
        self._arrived = [torch.cuda.Event() for _ in range(2)]  # type: ignore[no-untyped-call]
        self._released = [torch.cuda.Event() for _ in range(2)]  # type: ignore[no-untyped-call]
        self._layers = [-1, -1]

    def take(self, layer: int) -> torch.Tensor:
        """Return the rows of ``layer``, which may be read until ``release``, and send for the next."""
        for wanted in (layer, layer + 1):
            if wanted < len(self._rows) and self._layers[wanted % 2] != wanted:
                self._send_for(wanted)
        torch.cuda.current_stream().wait_event(self._arrived[layer % 2])
        return self._buffers[layer % 2]

    def release(self, layer: int) -> None:
        """Let the buffer of ``layer`` be filled again, once what was asked of it until now is done."""
        self._released[layer % 2].record()

    def _send_for(self, layer: int) -> None:
        place = layer % 2
        self._stream.wait_event(self._released[place])
        with torch.cuda.stream(self._stream):
            self._buffers[place].copy_(self._rows[layer], non_blocking=True)
            self._arrived[place].record()
        self._layers[place] = layer


def mixed(
    rows: torch.Tensor,
    layout: RowLayout,
    hidden: torch.Tensor,
    experts: torch.Tensor,
    shares: torch.Tensor,
    activate: Callable[[torch.Tensor], torch.Tensor],
) -> torch.Tensor:
    """Mix of the chosen experts' outputs; of ``hidden``'s type, (tokens, hidden).

    ``rows``: uint8, (experts, row bytes), int4, on the device. ``activate`` makes (n, inner) of (n, up).
    Waits for the device once, for how many tokens chose which expert.
    """
    chosen, order = experts.flatten().sort(stable=True)
    tokens = order // experts.shape[1]
    counts = torch.bincount(chosen, minlength=len(rows)).tolist()
    weights = shares.flatten()[order].to(hidden.dtype)[:, None]
    total = torch.zeros_like(hidden)
    at_once = max(1, _RESTORED_BYTES // (2 * layout.shape.weight_count))
    end = 0
    for first in range(0, len(rows), at_once):
        some = rows[first : first + at_once]
        if not any(counts[first : first + at_once]):
            continue
        ups, downs = (restored_rows(some, layout, name, hidden.dtype) for name in ("up", "down"))
        for i, count in enumerate(counts[first : first + at_once]):
            if count == 0:
                continue
            part = slice(end, end := end + count)
            inner = activate(_affine(hidden[tokens[part]], ups[i], some[i], layout, "up"))
            outcome = _affine(inner, downs[i], some[i], layout, "down")
            total.index_add_(0, tokens[part], outcome * weights[part])
    return total


def restored_rows(rows: torch.Tensor, layout: RowLayout, name: str, dtype: torch.dtype) -> torch.Tensor:
    """Return the matrices ``name`` of ``rows`` (uint8, (experts, row bytes)): (experts, outputs, inputs)."""
    outputs, inputs = layout.shape.matrix(name)
    matrices = rows.new_empty((len(rows), outputs, inputs), dtype=dtype)
    group_count = inputs // layout.group_size
    segments = layout.segments
    restore[(len(rows), triton.cdiv(outputs, _RESTORE_BLOCK), group_count)](
        rows, matrices, layout.byte_count, OUTPUT_COUNT=outputs,
        HI=segments[f"{name}.hi"].offset, LO=segments[f"{name}.lo"].offset,
        GRID=segments[f"{name}.lo.grid"].offset, GROUP_COUNT=group_count,
        QUARTER=layout.group_size // 4, TYPE=TYPES[dtype], BLOCK=_RESTORE_BLOCK,
    )  # fmt: skip
    return matrices


def _affine(
    vectors: torch.Tensor, matrix: torch.Tensor, row: torch.Tensor, layout: RowLayout, name: str
) -> torch.Tensor:
    bias = layout.view(row, f"{name}.bias").to(vectors.dtype) if layout.shape.has_bias else None
    return functional.linear(vectors, matrix, bias)
