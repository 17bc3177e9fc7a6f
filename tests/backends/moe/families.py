"""Random models of a few layers, one of each family, and what transformers itself says that they write."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from transformers import (
    AutoModelForCausalLM,
    DeepseekV3Config,
    GptOssConfig,
    GraniteMoeConfig,
    MixtralConfig,
    OlmoeConfig,
    Qwen3Config,
    Qwen3MoeConfig,
    Qwen3NextConfig,
)

VOCABULARY_SIZE = 320
_SHAPE: dict[str, Any] = {
    "vocab_size": VOCABULARY_SIZE,
    "hidden_size": 32,
    "intermediate_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 1024,
    "eos_token_id": None,
    "bos_token_id": None,
    "pad_token_id": 0,
    "tie_word_embeddings": False,
    # Large enough that the most probable token stands out, so that rounding does not change it.
    "initializer_range": 0.3,
}
_QWEN_MOE = {"num_experts": 6, "num_experts_per_tok": 2, "moe_intermediate_size": 16, "head_dim": 8}
_WINDOW = 12

CONFIGS: dict[str, Any] = {
    "mixtral": lambda: MixtralConfig(**_SHAPE, num_local_experts=4, sliding_window=None),
    "mixtral_sliding": lambda: MixtralConfig(**_SHAPE, num_local_experts=4, sliding_window=_WINDOW),
    "qwen3_moe": lambda: Qwen3MoeConfig(**_SHAPE, **_QWEN_MOE, norm_topk_prob=True),
    "olmoe": lambda: OlmoeConfig(**_SHAPE, num_experts=6, num_experts_per_tok=2),
    "gpt_oss": lambda: GptOssConfig(
        **_SHAPE, num_local_experts=4, num_experts_per_tok=2, head_dim=8, sliding_window=_WINDOW
    ),
    "deepseek_v3": lambda: DeepseekV3Config(
        **(_SHAPE | {"num_key_value_heads": 4}),
        n_routed_experts=4,
        num_experts_per_tok=2,
        n_group=2,
        topk_group=1,
        moe_intermediate_size=16,
        first_k_dense_replace=1,
        kv_lora_rank=16,
        q_lora_rank=None,
        qk_rope_head_dim=4,
        qk_nope_head_dim=8,
        v_head_dim=6,
    ),
    "granite_moe": lambda: GraniteMoeConfig(**_SHAPE, num_local_experts=4, num_experts_per_tok=2),
    "qwen3": lambda: Qwen3Config(**_SHAPE, head_dim=8),
}


def recurrent() -> Any:
    """The config of a model with a recurrent state in some layers."""
    return Qwen3NextConfig(
        **_SHAPE,
        **_QWEN_MOE,
        shared_expert_intermediate_size=16,
        linear_num_key_heads=2,
        linear_num_value_heads=2,
        linear_key_head_dim=8,
        linear_value_head_dim=8,
        layer_types=["linear_attention", "full_attention", "linear_attention"],
    )


@cache
def model_of(family: str) -> Any:
    """The model of ``family``, the same every time; nobody changes it."""
    return new_model(recurrent() if family == "qwen3_next" else CONFIGS[family]())


def new_model(config: Any) -> Any:
    """A random model of ``config`` in float32."""
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()


def generate(model: Any, tokens: list[int], count: int) -> list[int]:
    """What ``model`` writes by transformers' own greedy loop, alone."""
    ids = torch.tensor([tokens], device=model.device)
    with torch.inference_mode():
        written = model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=count,
            min_new_tokens=count,
            do_sample=False,
        )
    return [int(token) for token in written[0, len(tokens) :]]
