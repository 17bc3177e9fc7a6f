"""Tries whether a model computes on slots what it computes by itself, before anybody asks it.

Families differ in what they make of masks and positions; one that has not been seen is tried rather than
trusted.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import torch

from backends.errors import Unavailable
from backends.moe.experts.function import experts_of
from backends.moe.loading import translated
from backends.moe.serving.cache import SlotCache
from backends.moe.serving.layout import Layout
from backends.moe.serving.place import Spans
from backends.moe.serving.step import Inputs, Step

_TEXT, _OTHER = (7, 3, 5, 11, 2, 13), (4, 4, 9)
# Of logits about their mean. Rounding in 16 bits leaves 0.99 and more, another text less than 0.9.
_LEAST_LIKENESS = 0.97


def computes_on_slots(model: Any, layout: Layout) -> bool:
    """Whether a text that is read in two parts, the second beside another text, goes on as it should.

    Takes three passes over a few tokens. What the model raises counts as no. Experts are whole meanwhile:
    one that is little at first and then completed would compute two things.
    """
    experts = experts_of(model)
    whole = nullcontext() if experts is None else experts.whole()
    try:
        with translated("try the model"), torch.inference_mode(), whole:
            likeness = _likeness(_alone(model), _on_slots(model, layout))
    except Unavailable:
        return False
    return likeness > _LEAST_LIKENESS


def _alone(model: Any) -> torch.Tensor:
    ids = torch.tensor([_TEXT], device=model.device)
    logits: torch.Tensor = model(input_ids=ids, use_cache=False, logits_to_keep=1).logits[0, -1]
    return logits


def _on_slots(model: Any, layout: Layout) -> torch.Tensor:
    step = Step(model, SlotCache(layout.layer_count, 2, 32), layout)

    def inputs(rows: list[tuple[int, ...]], starts: tuple[int, ...], slots: tuple[int, ...]) -> Inputs:
        count = len(rows[0])
        positions = [list(range(start, start + count)) for start in starts]
        return Inputs.of(([rows, positions], slots, [count - 1]), model.device)

    first, rest = _TEXT[:3], _TEXT[3:]
    step.forward(inputs([first], (0,), (1,)), Spans((1,), (0,), (3,), 32))
    both = inputs([_OTHER, rest], (0, 3), (0, 1))
    return step.forward(both, Spans((0, 1), (0, 3), (3, 3), 32))[1, -1]


def _likeness(one: torch.Tensor, other: torch.Tensor) -> float:
    """Correlation of two rows of logits, from -1 to 1."""
    return float(torch.corrcoef(torch.stack([one.float(), other.float()]))[0, 1])
