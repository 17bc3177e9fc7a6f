"""The models that are measured: the pocket family's, and random weights of a middling size."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, Qwen3MoeConfig

from backends.moe.traces.generator import LOCALITIES, generate, scaled
from backends.moe.traces.trace import Trace
from examples.pocket.weights import LOCAL


@dataclass(frozen=True, slots=True)
class Subject:
    """A checkpoint, and the routing that it gets; None: its own."""

    name: str
    folder: Path
    trace: Trace | None


def subjects(folder: Path, *, token_count: int) -> list[Subject]:
    """The pocket model as it is; the middling one with the locality of Qwen3-30B."""
    config = _middling()
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).save_pretrained(folder / "middling")
    locality = scaled(LOCALITIES["qwen3-30b"], config.num_experts, config.num_experts_per_tok)
    trace = generate(locality, token_count=token_count, layer_count=config.num_hidden_layers, seed=5)
    return [Subject("pocket", LOCAL, None), Subject("middling", folder / "middling", trace)]


def _middling() -> Qwen3MoeConfig:
    """384 experts of 0.8 M weights, 604 MB in bfloat16, of which a token uses 4 in each of 6 layers."""
    return Qwen3MoeConfig(
        vocab_size=2048,
        hidden_size=512,
        moe_intermediate_size=512,
        intermediate_size=1024,
        num_hidden_layers=6,
        num_attention_heads=8,
        num_key_value_heads=4,
        head_dim=64,
        num_experts=64,
        num_experts_per_tok=4,
        max_position_embeddings=2048,
    )
