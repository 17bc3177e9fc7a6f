"""Embeddings from the weights that also write."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import Qwen3ForCausalLM

from backends.errors import ContextTooLong, Refused
from backends.llamacpp.engine.engine import Engine
from tests.backends.llamacpp.engine.driving import ask, prompts, work

Opened = Callable[..., Engine]


def test_are_the_mean_of_the_last_states(opened: Opened, tiny_gguf: Path) -> None:
    """As transformers computes them, of length 1; longer texts than a batch too."""
    texts = [*prompts(4, seed=9), [5 + i for i in range(200)]]
    model = Qwen3ForCausalLM.from_pretrained(tiny_gguf.parent, dtype=torch.float32).model
    for text, embedding in zip(texts, opened().embed(texts), strict=True):
        with torch.no_grad():
            expected = model(torch.tensor([text])).last_hidden_state[0].mean(0)
        expected /= expected.norm()
        assert math.hypot(*embedding) == pytest.approx(1.0)
        assert embedding == pytest.approx(expected.tolist(), abs=2e-3)


def test_equal_texts_have_equal_embeddings(opened: Opened) -> None:
    """Whatever came before, and answers that run are not disturbed."""
    engine = opened()
    expected = ask(engine, work(1, range(5, 60)))[1].tokens
    engine.submit(work(2, range(5, 60)))
    engine.step()
    one, other, again = engine.embed([[7, 8, 9], [9, 8, 7], [7, 8, 9]])
    assert one == again != other
    assert ask(engine)[2].tokens == expected


def test_what_has_no_embedding_is_refused(opened: Opened) -> None:
    """Nothing, and more than the context."""
    engine = opened()
    with pytest.raises(Refused):
        engine.embed([[]])
    with pytest.raises(ContextTooLong):
        engine.embed([[7] * 257])
