"""A random recurrent model (Mamba, Gu and Dao 2023) of a few thousand weights as GGUF."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

from tests import tiny_models

_WIDTH, _INNER, _STATE, _KERNEL, _RANK, _LAYERS = 32, 64, 8, 4, 2, 2


def save_recurrent(path: Path) -> Path:
    """Write the model to ``path`` and return that."""
    words = tiny_models.tokenizer()
    writer = gguf.GGUFWriter(path, "mamba")
    writer.add_context_length(tiny_models.CONTEXT)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(_LAYERS)
    writer.add_feed_forward_length(0)
    writer.add_head_count(0)
    writer.add_ssm_conv_kernel(_KERNEL)
    writer.add_ssm_inner_size(_INNER)
    writer.add_ssm_state_size(_STATE)
    writer.add_ssm_time_step_rank(_RANK)
    writer.add_layer_norm_rms_eps(1e-5)
    tiny_models._add_tokenizer(writer, words)
    chance = np.random.default_rng(0)
    for name, shape in _shapes(len(words)).items():
        values = chance.normal(scale=0.4, size=shape).astype(np.float32)
        # A state that fades: the logarithm of its rate is negative.
        writer.add_tensor(name, -np.abs(values) if name.endswith("ssm_a") else values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _shapes(vocabulary_size: int) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {
        "token_embd.weight": (vocabulary_size, _WIDTH),
        "output_norm.weight": (_WIDTH,),
    }
    for layer in range(_LAYERS):
        shapes |= {
            f"blk.{layer}.attn_norm.weight": (_WIDTH,),
            f"blk.{layer}.ssm_in.weight": (2 * _INNER, _WIDTH),
            f"blk.{layer}.ssm_conv1d.weight": (_INNER, _KERNEL),
            f"blk.{layer}.ssm_conv1d.bias": (_INNER,),
            f"blk.{layer}.ssm_x.weight": (_RANK + 2 * _STATE, _INNER),
            f"blk.{layer}.ssm_dt.weight": (_INNER, _RANK),
            f"blk.{layer}.ssm_dt.bias": (_INNER,),
            f"blk.{layer}.ssm_a": (_INNER, _STATE),
            f"blk.{layer}.ssm_d": (_INNER,),
            f"blk.{layer}.ssm_out.weight": (_WIDTH, _INNER),
        }
    return shapes
