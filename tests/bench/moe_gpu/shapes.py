"""Models at their real shapes, with random weights: only speed is asked of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from transformers import AutoConfig

from backends.moe.store.layout import ExpertShape, RowLayout, group_size_for


@dataclass(frozen=True, slots=True)
class Model:
    """A public model's shape. Without ``locality`` its experts come by pure chance."""

    name: str
    config: dict[str, Any]
    expert_count: int
    top_k: int
    inner_size: int
    locality: bool = True

    @property
    def layer_count(self) -> int:
        """Layers, all of them with experts."""
        return int(self.config["num_hidden_layers"])

    def settings(self, layer_count: int | None = None) -> Any:
        """The transformers configuration, cut to so many layers."""
        settings = dict(self.config)
        if layer_count is not None:
            settings["num_hidden_layers"] = layer_count
        return AutoConfig.for_model(**settings)

    def layout(self, dtype: Any) -> RowLayout:
        """How an expert lies in a row of 4-bit codes."""
        shape = ExpertShape(self.config["hidden_size"], self.inner_size)
        group_size = group_size_for(shape)
        assert group_size is not None
        return RowLayout(shape, "int4", dtype, group_size)


MODELS = {
    model.name: model
    for model in (
        Model(
            "qwen3-30b-a3b",
            {
                "model_type": "qwen3_moe",
                "hidden_size": 2048,
                "num_hidden_layers": 48,
                "num_attention_heads": 32,
                "num_key_value_heads": 4,
                "head_dim": 128,
                "intermediate_size": 6144,
                "moe_intermediate_size": 768,
                "num_experts": 128,
                "num_experts_per_tok": 8,
                "vocab_size": 151936,
                "norm_topk_prob": True,
                "max_position_embeddings": 32768,
                "tie_word_embeddings": False,
            },
            expert_count=128,
            top_k=8,
            inner_size=768,
        ),
        Model(
            "olmoe-1b-7b",
            {
                "model_type": "olmoe",
                "hidden_size": 2048,
                "num_hidden_layers": 16,
                "num_attention_heads": 16,
                "num_key_value_heads": 16,
                "intermediate_size": 1024,
                "num_experts": 64,
                "num_experts_per_tok": 8,
                "vocab_size": 50304,
                "max_position_embeddings": 4096,
            },
            expert_count=64,
            top_k=8,
            inner_size=1024,
        ),
        Model(
            "mixtral-8x7b",
            {
                "model_type": "mixtral",
                "hidden_size": 4096,
                "num_hidden_layers": 32,
                "num_attention_heads": 32,
                "num_key_value_heads": 8,
                "intermediate_size": 14336,
                "num_local_experts": 8,
                "num_experts_per_tok": 2,
                "vocab_size": 32000,
                "max_position_embeddings": 32768,
            },
            expert_count=8,
            top_k=2,
            inner_size=14336,
            locality=False,
        ),
    )
}
