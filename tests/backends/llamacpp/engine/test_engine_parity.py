"""The same float32 weights in transformers and here write the same tokens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import Qwen3ForCausalLM

from backends.llamacpp.engine.engine import Engine
from tests.backends.llamacpp.engine.driving import ask, prompts, work


def test_agrees_with_transformers(opened: Callable[..., Engine], tiny_gguf: Path) -> None:
    """Every greedy token of a batch of prompts, and its log-probability."""
    engine = opened(key_cache_type="f32", value_cache_type="f32")
    works = [work(i, tokens, 24) for i, tokens in enumerate(prompts(12, seed=8))]
    answers = ask(engine, *works)
    model = Qwen3ForCausalLM.from_pretrained(tiny_gguf.parent, dtype=torch.float32)
    for each in works:
        written = answers[each.id].wrote
        tokens = torch.tensor([[*each.tokens, *(wrote.token for wrote in written)]])
        with torch.no_grad():
            logprobs = model(tokens).logits[0, len(each.tokens) - 1 : -1].log_softmax(-1)
        assert logprobs.argmax(-1).tolist() == [wrote.token for wrote in written]
        drawn = logprobs.gather(-1, tokens[0, len(each.tokens) :, None])[:, 0]
        assert [wrote.logprob.logprob for wrote in written] == pytest.approx(drawn.tolist(), abs=1e-3)
