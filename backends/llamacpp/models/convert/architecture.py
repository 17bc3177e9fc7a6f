"""How Llama and Qwen3 models are written for llama.cpp: metadata, names of tensors, and their layout.

Decides which variants llama.cpp computes exactly; the others are refused by name. Refuses to know
number formats and the tokenizer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from backends.errors import Refused
from backends.llamacpp.models.convert.rope import Rope, rope_of
from backends.llamacpp.models.convert.weights import SourceWeights, Weight

_ARCHITECTURES = {"LlamaForCausalLM": "llama", "Qwen3ForCausalLM": "qwen3"}
_WHOLE = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}
_LAYER = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_QWEN3_LAYER = {"self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm"}
# Which matrices may have a bias, as llama.cpp loads them.
_BIASED = {
    "llama": {"attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"},
    "qwen3": {"attn_q", "attn_k", "attn_v"},
}


@dataclass(frozen=True, slots=True)
class Planned:
    """A tensor of the file to come. ``shape`` has rows first; ``read`` makes it in float32."""

    name: str
    shape: tuple[int, ...]
    read: Callable[[], Weight]


@dataclass(frozen=True, slots=True)
class Architecture:
    """The numbers of a transformers configuration that llama.cpp needs."""

    name: str
    layer_count: int
    width: int
    feed_forward_width: int
    head_count: int
    kv_head_count: int
    head_width: int
    context_token_count: int
    norm_epsilon: float
    tied: bool
    rope: Rope

    @classmethod
    def of(cls, class_name: str, config: Mapping[str, Any]) -> Architecture:
        """Read a configuration; raises Refused where llama.cpp would compute something else."""
        name = _ARCHITECTURES.get(class_name)
        if name is None:
            raise Refused(f"{class_name} cannot be converted here; only {', '.join(_ARCHITECTURES)} can")
        _refuse_variants(config)
        try:
            head_count = int(config["num_attention_heads"])
            head_width = int(config.get("head_dim") or config["hidden_size"] // head_count)
            return cls(
                name=name,
                layer_count=int(config["num_hidden_layers"]),
                width=int(config["hidden_size"]),
                feed_forward_width=int(config["intermediate_size"]),
                head_count=head_count,
                kv_head_count=int(config.get("num_key_value_heads") or head_count),
                head_width=head_width,
                context_token_count=int(config["max_position_embeddings"]),
                norm_epsilon=float(config["rms_norm_eps"]),
                tied=bool(config.get("tie_word_embeddings", False)),
                rope=rope_of(name, config, head_width),
            )
        except (KeyError, TypeError, ValueError, ZeroDivisionError) as exc:
            raise Refused(
                f"config.json lacks a number or has a wrong one ({type(exc).__name__}: {exc})"
            ) from exc

    def describe(self, writer: Any) -> None:
        """Write the metadata to a ``gguf.GGUFWriter`` of this architecture."""
        writer.add_context_length(self.context_token_count)
        writer.add_embedding_length(self.width)
        writer.add_block_count(self.layer_count)
        writer.add_feed_forward_length(self.feed_forward_width)
        writer.add_head_count(self.head_count)
        writer.add_head_count_kv(self.kv_head_count)
        writer.add_key_length(self.head_width)
        writer.add_value_length(self.head_width)
        writer.add_layer_norm_rms_eps(self.norm_epsilon)
        writer.add_rope_dimension_count(self.head_width)
        self.rope.describe(writer)

    def plan(self, weights: SourceWeights) -> list[Planned]:
        """List the tensors in the order of computation; raises Refused where some are missing or unknown."""
        names = dict(self._names(weights))
        missing = [source for source in names if source not in weights.places]
        unknown = [
            name
            for name in weights.places
            if name not in names
            and not name.endswith("rotary_emb.inv_freq")
            and not (self.tied and name == "lm_head.weight")
        ]
        if missing or unknown:
            raise Refused(
                f"the weights do not fit a {self.name} model of {self.layer_count} layers: "
                f"missing {missing[:3]}, unknown {unknown[:3]}"
            )
        planned = [self._planned(source, target, weights) for source, target in names.items()]
        if self.rope.factors is not None:
            factors = np.array(self.rope.factors, np.float32)
            planned.append(Planned("rope_freqs.weight", factors.shape, lambda: factors))
        return planned

    def _names(self, weights: SourceWeights) -> Iterator[tuple[str, str]]:
        for source, target in _WHOLE.items():
            if not (self.tied and source == "lm_head.weight"):
                yield source, target
        parts = _LAYER | (_QWEN3_LAYER if self.name == "qwen3" else {})
        for layer in range(self.layer_count):
            for source, target in parts.items():
                here, there = f"model.layers.{layer}.{source}", f"blk.{layer}.{target}"
                yield f"{here}.weight", f"{there}.weight"
                if f"{here}.bias" in weights.places and target in _BIASED[self.name]:
                    yield f"{here}.bias", f"{there}.bias"

    def _planned(self, source: str, target: str, weights: SourceWeights) -> Planned:
        # Only llama.cpp's `llama` rotates neighbouring pairs; transformers rotates halves of a head.
        head_counts = {"attn_q": self.head_count, "attn_k": self.kv_head_count}
        head_count = head_counts.get(target.split(".")[-2]) if self.name == "llama" else None

        def read() -> Weight:
            weight = weights.read(source)
            return weight if head_count is None else _interleaved(weight, head_count)

        return Planned(target, weights.shape(source), read)


def _refuse_variants(config: Mapping[str, Any]) -> None:
    wrong = {
        "hidden_act": config.get("hidden_act", "silu") not in {"silu", "swish"},
        "use_sliding_window": bool(config.get("use_sliding_window")),
        "partial_rotary_factor": config.get("partial_rotary_factor", 1.0) != 1.0,
        "quantization_config": bool(config.get("quantization_config")),
    }
    for key, is_wrong in wrong.items():
        if is_wrong:
            raise Refused(f"config.json sets {key} to {config[key]!r}, which the converter does not know")


def _interleaved(weight: Weight, head_count: int) -> Weight:
    """Turn rotary halves into the pairs that llama.cpp rotates; weights and biases alike."""
    halves = weight.reshape(head_count, 2, weight.shape[0] // head_count // 2, *weight.shape[1:])
    return halves.swapaxes(1, 2).reshape(weight.shape)
