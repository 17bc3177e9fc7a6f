"""Converts a checkpoint's experts into a store ahead of the first start."""

from __future__ import annotations

from dataclasses import dataclass

from transformers.utils import logging as transformers_logging

from backends.moe.checkpoint import Checkpoint
from backends.moe.loading import translated
from backends.moe.offload_options import OffloadOptions
from backends.moe.offloading import Progress, Rows


@dataclass(frozen=True, slots=True)
class ConvertedExperts:
    """A store, ready to be mapped; ``was_there``: nothing had to be done."""

    path: str
    weights: str
    layer_count: int
    expert_count: int
    row_byte_count: int
    byte_count: int
    was_there: bool


def convert_experts(model: str, options: OffloadOptions, progress: Progress) -> ConvertedExperts:
    """Convert the experts of ``model``, a folder or a name on the hub; raises Unavailable."""
    transformers_logging.disable_progress_bar()
    rows = Rows(Checkpoint(model), options, progress)
    with translated(f"convert the experts of {model}"):
        rows.load()
    shape = rows.shape
    return ConvertedExperts(
        path=str(rows.path),
        weights=shape.layout.scheme,
        layer_count=shape.layer_count,
        expert_count=shape.expert_count,
        row_byte_count=shape.layout.byte_count,
        byte_count=shape.byte_count,
        was_there=rows.were_there,
    )
