"""The three members: their shapes and whether they reason. Nothing here trains or loads a model."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedConfig,
    PreTrainedModel,
    Qwen3MoeConfig,
    Qwen3MoeForCausalLM,
)

from examples.pocket.tasks import KINDS
from examples.pocket.tokenizer import CONTEXT_LENGTH, END_ID, PAD_ID, VOCABULARY_SIZE


@dataclass(frozen=True, slots=True)
class Member:
    """One model of the family, before it has any weights."""

    name: str
    config: Callable[[], PreTrainedConfig]
    model: type[PreTrainedModel]
    reasoning_kinds: frozenset[str] = frozenset()
    """Kinds of work for which it writes a scratchpad before its answer."""


_SHARED = {
    "vocab_size": VOCABULARY_SIZE,
    "max_position_embeddings": CONTEXT_LENGTH,
    "tie_word_embeddings": True,
    "pad_token_id": PAD_ID,
    "bos_token_id": None,
    "eos_token_id": END_ID,
}


def _edge() -> PreTrainedConfig:
    return LlamaConfig(
        **_SHARED, hidden_size=128, intermediate_size=320, num_hidden_layers=5, num_attention_heads=4
    )


def _local() -> PreTrainedConfig:
    return Qwen3MoeConfig(
        **_SHARED,
        hidden_size=192,
        moe_intermediate_size=192,
        num_hidden_layers=6,
        num_attention_heads=6,
        num_key_value_heads=6,
        head_dim=32,
        num_experts=8,
        num_experts_per_tok=2,
        norm_topk_prob=True,
        router_aux_loss_coef=0.01,
    )


def _frontier() -> PreTrainedConfig:
    return LlamaConfig(
        **_SHARED, hidden_size=256, intermediate_size=512, num_hidden_layers=6, num_attention_heads=8
    )


FAMILY = {
    member.name: member
    for member in (
        Member("edge", _edge, LlamaForCausalLM),
        Member("local", _local, Qwen3MoeForCausalLM, frozenset({"arithmetic", "lookup", "relations"})),
        Member("frontier", _frontier, LlamaForCausalLM, frozenset(KINDS)),
    )
}


def new_model(member: Member, *, seed: int) -> PreTrainedModel:
    """Returns the member with fresh random weights in float32; equal seeds, equal weights."""
    torch.manual_seed(seed)
    return member.model(member.config())
