"""Random models of a few thousand weights of every family whose experts can be offloaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoModelForCausalLM,
    DeepseekV3Config,
    GptOssConfig,
    GraniteMoeConfig,
    MixtralConfig,
    OlmoeConfig,
    Qwen2MoeConfig,
    Qwen3MoeConfig,
    Qwen3NextConfig,
)

EXPERT_COUNT = 8
TOP_K = 2
LAYER_COUNT = 3
_COMMON: dict[str, Any] = {
    "vocab_size": 160,
    "hidden_size": 64,
    "num_hidden_layers": LAYER_COUNT,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "num_experts_per_tok": TOP_K,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    # Large enough that gates and tokens stand apart.
    "initializer_range": 0.3,
    "tie_word_embeddings": False,
}
_EXPERT_INNER = 48
_DEEPSEEK = {
    "num_key_value_heads": 4,
    "first_k_dense_replace": 1,
    "n_group": 2,
    "topk_group": 1,
    "q_lora_rank": 16,
    "kv_lora_rank": 16,
    "qk_rope_head_dim": 8,
    "qk_nope_head_dim": 8,
    "v_head_dim": 16,
}
_QWEN3_NEXT = {
    "num_hidden_layers": 4,  # every fourth layer has attention
    "head_dim": 16,
    "linear_num_value_heads": 4,
    "linear_num_key_heads": 2,
    "linear_key_head_dim": 8,
    "linear_value_head_dim": 8,
}


def _fine(config: type, **more: Any) -> Any:
    """A family that names the size of an expert apart from that of a dense layer."""
    sizes = {"moe_intermediate_size": _EXPERT_INNER, "intermediate_size": 96}
    return config(**(_COMMON | sizes | more))


def _coarse(config: type, **more: Any) -> Any:
    return config(**(_COMMON | {"intermediate_size": _EXPERT_INNER} | more))


FAMILIES: dict[str, Callable[[], Any]] = {
    "mixtral": lambda: _coarse(MixtralConfig, num_local_experts=EXPERT_COUNT),
    "qwen2_moe": lambda: _fine(Qwen2MoeConfig, num_experts=EXPERT_COUNT, shared_expert_intermediate_size=32),
    "qwen3_moe": lambda: _fine(Qwen3MoeConfig, num_experts=EXPERT_COUNT, head_dim=16),
    "olmoe": lambda: _coarse(OlmoeConfig, num_experts=EXPERT_COUNT),
    "gpt_oss": lambda: _coarse(GptOssConfig, num_local_experts=EXPERT_COUNT, head_dim=16),
    "deepseek_v3": lambda: _fine(DeepseekV3Config, n_routed_experts=EXPERT_COUNT, **_DEEPSEEK),
    "granitemoe": lambda: _coarse(GraniteMoeConfig, num_local_experts=EXPERT_COUNT),
    "qwen3_next": lambda: _fine(
        Qwen3NextConfig, num_experts=EXPERT_COUNT, shared_expert_intermediate_size=32, **_QWEN3_NEXT
    ),
}


def save(family: str, folder: Path, dtype: torch.dtype) -> Path:
    """Save a random model of ``family`` into ``folder``, in the names that its checkpoints have."""
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(FAMILIES[family](), dtype=dtype)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("_bias"):
                parameter.normal_(0, 0.3)
    model.save_pretrained(folder)
    return folder


def eager(folder: Path) -> Any:
    """Load the model with transformers' own eager experts."""
    return AutoModelForCausalLM.from_pretrained(folder, experts_implementation="eager").eval()
