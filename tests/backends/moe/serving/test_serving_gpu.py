"""The same promises on a GPU, where shapes are few, slots are read by index, and a step is a CUDA graph."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from backends.moe.serving.cache import SlotCache
from backends.moe.serving.layout import layout_of
from backends.moe.serving.step import Inputs, Step
from tests.backends.moe.families import CONFIGS, generate, new_model
from tests.backends.moe.serving.conftest import Opened
from tests.backends.serving.driving import ask, prompts, work

pytestmark = pytest.mark.gpu
COUNT, LENGTH = 12, 64


def on_gpu(family: str) -> Any:
    """The model of ``family`` in float32, without the shortcuts that lose digits."""
    torch.backends.cuda.matmul.allow_tf32 = False
    model = new_model(CONFIGS[family]()).to("cuda")
    model.set_experts_implementation("batched_mm")
    return model


@pytest.mark.parametrize("family", CONFIGS)
def test_batched_and_chunked(opened: Opened, family: str) -> None:
    """Tokens are those of transformers' own loop on the same GPU, one answer at a time."""
    model = on_gpu(family)
    asked = prompts(6, longest=50)
    answers = ask(opened(model=model), *(work(i, tokens, COUNT) for i, tokens in enumerate(asked)))
    assert answers.tokens == {i: generate(model, tokens, COUNT) for i, tokens in enumerate(asked)}


@pytest.mark.parametrize("family", CONFIGS)
def test_a_captured_step_computes_other_rows(family: str) -> None:
    """Captured for some rows, a replay gives for others what they get without a graph."""
    model = on_gpu(family)
    layout = layout_of(model.config)
    assert layout is not None
    captured, plain = (Step(model, SlotCache(layout.layer_count, 3, LENGTH), layout) for _ in range(2))
    inputs = Inputs.of(_lists([9, 9], 0, [0, 1]), model.device)
    with torch.inference_mode():
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        with torch.cuda.stream(stream):
            for _ in range(3):
                captured.forward(inputs, inputs.indexed(LENGTH))
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            logits = captured.forward(inputs, inputs.indexed(LENGTH))
        for place, slots in enumerate(([2, 0], [0, 2], [2, 0])):
            rows = _lists([20 + place, 40 + place], place, slots)
            other = Inputs.of(rows, model.device)
            expected = plain.forward(other, other.indexed(LENGTH))
            inputs.fill(rows)
            graph.replay()
            assert torch.allclose(logits, expected, atol=1e-3)


def _lists(ids: list[int], start: int, slots: list[int]) -> tuple[Any, ...]:
    return [[[token] for token in ids], [[start] for _ in ids]], slots, [0]
