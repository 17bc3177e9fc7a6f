"""One forward pass over a rectangle of tokens: rows of several texts, each as long as the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from backends.moe.serving.cache import SlotCache
from backends.moe.serving.layout import Layout
from backends.moe.serving.place import Indexed, Place


@dataclass(frozen=True, slots=True)
class Shape:
    """A step of ``row_count`` rows of ``token_count`` tokens that read ``length`` positions.

    Of each row the logits of ``kept_count`` tokens are computed.
    """

    row_count: int
    token_count: int
    length: int
    kept_count: int


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a step computes, int64.

    ``tokens``: ids and positions, (2, row_count, token_count). ``slots``: (row_count,). ``kept``:
    (kept_count,), the places in each row whose logits are computed.
    """

    tokens: torch.Tensor
    slots: torch.Tensor
    kept: torch.Tensor

    @classmethod
    def of(cls, lists: Sequence[Any], device: torch.device) -> Inputs:
        """Make tensors of lists of numbers, in the order of the fields."""
        return cls(*(torch.tensor(numbers, dtype=torch.int64, device=device) for numbers in lists))

    def fill(self, lists: Sequence[Any]) -> None:
        """Write other numbers into the same tensors."""
        for tensor, numbers in zip((self.tokens, self.slots, self.kept), lists, strict=True):
            tensor.copy_(torch.tensor(numbers, dtype=torch.int64), non_blocking=True)

    def indexed(self, length: int) -> Indexed:
        """The place of these rows."""
        return Indexed(self.slots, self.tokens[1], length)


class Step:
    """Computes with ``model``, which is left as it is, on ``cache``.

    With an ``Indexed`` place nothing between the inputs and the logits asks the device for a value (the
    experts must not either), and all that changes from step to step lies in the inputs: a step of a shape
    can be captured once and replayed.
    """

    def __init__(self, model: Any, cache: SlotCache, layout: Layout) -> None:
        self._model = model
        self._cache = cache
        self._layout = layout
        self._dtype = model.dtype

    @torch.inference_mode()
    def forward(self, inputs: Inputs, place: Place) -> torch.Tensor:
        """Logits of the tokens at ``kept``: (row_count, kept_count, n_vocabulary), on the device."""
        self._cache.place = place
        ids, positions = inputs.tokens.unbind()
        # A row alone is what transformers has its own masks for, or none, which is faster.
        masks = None if place.start is not None else self._layout.masks(positions, place.length, self._dtype)
        output = self._model(
            input_ids=ids,
            position_ids=positions,
            attention_mask=masks,
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=inputs.kept,
        )
        logits: torch.Tensor = output.logits
        return logits
