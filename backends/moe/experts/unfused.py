"""Keeps experts apart that transformers would stack: most checkpoints hold them one by one, as rows do.

Stacking gate and up of a layer, then joining them, takes three times the layer's bytes: 5.6 GB for Mixtral.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import torch
from transformers.core_model_loading import Concatenate, ConversionOps, MergeModulelist, WeightConverter

from backends.moe.errors import NoExpertsHook
from backends.moe.experts.modules import PARTS


class OneByOne:
    """The matrices of one parameter, an expert at a time; each is let go once it was taken."""

    def __init__(self, pieces: list[list[torch.Tensor]]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[torch.Tensor]:
        counts = {len(piece) for piece in self._pieces}
        if len(counts) != 1:
            raise NoExpertsHook(
                f"the checkpoint holds {sorted(counts)} matrices for the experts of a layer, and should hold "
                "one of each kind an expert; is it complete?"
            )
        queues = [list(reversed(piece)) for piece in self._pieces]
        for piece in self._pieces:
            piece.clear()
        for _ in range(counts.pop()):
            yield torch.cat([queue.pop() for queue in queues])


def unfused(conversion: Any) -> Any:
    """Return ``conversion`` without its stacking, where that is what it does to experts; else as it is."""
    if not isinstance(conversion, WeightConverter) or not _stacks_experts(conversion):
        return conversion
    copy = deepcopy(conversion)
    copy.operations = [_KeepApart()]
    return copy


def _stacks_experts(conversion: WeightConverter) -> bool:
    operations = [(type(operation), getattr(operation, "dim", None)) for operation in conversion.operations]
    stack, join = (MergeModulelist, 0), (Concatenate, 1)
    targets = conversion.target_patterns
    is_experts = len(targets) == 1 and targets[0].rpartition(".")[2] in PARTS
    return is_experts and operations in ([stack], [stack, join])


class _KeepApart(ConversionOps):  # type: ignore[misc]
    def convert(
        self,
        input_dict: dict[str, list[torch.Tensor]],
        source_patterns: list[str],
        target_patterns: list[str],
        **kwargs: Any,  # noqa: ARG002
    ) -> dict[str, OneByOne]:
        # By the order of the patterns: gate before up.
        pieces = [input_dict.pop(pattern) for pattern in source_patterns if pattern in input_dict]
        return {target_patterns[0]: OneByOne(pieces)}
