"""A step can be captured once and replayed, as CUDA graphs do: shown without a GPU, by a tape."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from backends.moe.serving.cache import SlotCache
from backends.moe.serving.layout import layout_of
from backends.moe.serving.step import Inputs, Step
from tests.backends.moe.families import CONFIGS, model_of
from tests.backends.moe.serving.tape import Tape

# What makes the host wait for a value on the device, or sizes depend on one.
WAITING = {"_local_scalar_dense", "nonzero", "masked_select", "unique", "_unique2", "bincount", "equal"}
LENGTH = 32


def lists(ids: list[int], starts: list[int], slots: list[int]) -> tuple[Any, ...]:
    return [[[token] for token in ids], [[start] for start in starts]], slots, [0]


@pytest.mark.parametrize("family", CONFIGS)
def test_a_replayed_step_computes_other_rows(family: str) -> None:
    """Recorded for some rows, it gives for other rows what they get by themselves, and waits for nothing."""
    model = model_of(family)
    model.set_experts_implementation("batched_mm")
    try:
        _check(model)
    finally:
        model.set_experts_implementation("eager")


def _check(model: Any) -> None:
    layout = layout_of(model.config)
    assert layout is not None
    tokens = [[5, 6, 7, 8], [50, 60, 70, 80], [15, 16, 17, 18]]
    tape = Tape()
    recorded, fresh = (Step(model, SlotCache(layout.layer_count, 3, LENGTH), layout) for _ in range(2))
    rows = lists([9, 9], [0, 0], [0, 1])
    inputs = Inputs.of(rows, torch.device("cpu"))
    recorded.forward(inputs, inputs.indexed(LENGTH))  # makes the cache's tensors
    with torch.inference_mode(), tape:
        logits = recorded.forward(inputs, inputs.indexed(LENGTH))
    assert not tape.names & WAITING
    for place, slots in enumerate(([2, 0], [0, 2], [2, 0], [0, 2])):
        rows = lists([tokens[slot][place] for slot in slots], [place, place], slots)
        other = Inputs.of(rows, torch.device("cpu"))
        expected = fresh.forward(other, other.indexed(LENGTH))
        with torch.inference_mode():
            inputs.fill(rows)
            tape.replay()
        assert torch.allclose(logits, expected, atol=1e-4)
