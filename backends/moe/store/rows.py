"""Writes experts into rows and reads them back: the reference that every faster reader is held against."""

from __future__ import annotations

from typing import Literal

import torch

from backends.moe.store.layout import RowLayout
from backends.moe.store.planes import Planes, restored, restored_top, rounded

Part = Literal["up", "down", "up.bias", "down.bias"]


def parts(layout: RowLayout) -> tuple[Part, ...]:
    """Parts that make a row complete."""
    return ("up", "down", "up.bias", "down.bias") if layout.shape.has_bias else ("up", "down")


def pack(layout: RowLayout, row: torch.Tensor, part: Part, values: torch.Tensor) -> None:
    """Write one part of an expert into its ``row`` (uint8, (byte_count,)).

    ``values``: a matrix (outputs, inputs) or a bias (outputs,), of any float type.
    """
    if part in layout.segments:
        layout.view(row, part).copy_(values)
        return
    hi, lo, hi_grid, lo_grid = rounded(values, layout.group_size)
    layout.view(row, f"{part}.hi").copy_(hi)
    layout.view(row, f"{part}.lo").copy_(lo)
    layout.view(row, f"{part}.hi.grid").copy_(hi_grid)
    layout.view(row, f"{part}.lo.grid").copy_(lo_grid)


def matrix(
    layout: RowLayout, row: torch.Tensor, part: Literal["up", "down"], *, little: bool = False
) -> torch.Tensor:
    """Return ``up`` or ``down`` of a row as (outputs, inputs) in ``layout.dtype``.

    Exact numbers share the row's memory; others are computed. ``little``: from the row's prefix alone.
    """
    if layout.scheme == "exact":
        return layout.view(row, part)
    hi, hi_grid = layout.view(row, f"{part}.hi"), layout.view(row, f"{part}.hi.grid")
    if little:
        return restored_top(hi, hi_grid, layout.dtype)
    lo, lo_grid = layout.view(row, f"{part}.lo"), layout.view(row, f"{part}.lo.grid")
    return restored(Planes(hi, lo, hi_grid, lo_grid), layout.dtype)


def bias(layout: RowLayout, row: torch.Tensor, part: Literal["up", "down"]) -> torch.Tensor | None:
    """Return the bias that belongs to ``part``, (outputs,); None: the experts have none."""
    return layout.view(row, f"{part}.bias") if layout.shape.has_bias else None
