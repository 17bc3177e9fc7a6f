"""DeepSeek-V3 and Qwen3 as they are published in FP8: weights in blocks that share a scale."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from backends.moe.errors import NoExpertsHook
from backends.moe.store.fp8 import restored_fp8
from tests.backends.moe.conftest import Offloaded, Saved
from tests.backends.moe.mixtures import eager

PROMPT = torch.tensor([[5, 17, 101, 33, 9, 77, 140, 6]])
BLOCK = 16


def packed(matrix: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Elements and scales of ``matrix``, whose sides are multiples of a block's."""
    height, width = matrix.shape
    blocks = matrix.float().reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK)
    scales = blocks.abs().amax((1, 3)) / torch.finfo(torch.float8_e4m3fn).max
    elements = blocks / scales[:, None, :, None]
    return elements.reshape(matrix.shape).to(torch.float8_e4m3fn), scales


@pytest.fixture(params=["deepseek_v3", "qwen3_moe"])
def published(request: Any, saved: Saved, tmp_path: Path) -> tuple[Path, Path]:
    """A checkpoint in FP8, and the same numbers in bfloat16."""
    source = saved(request.param, torch.bfloat16)
    described = json.loads((source / "config.json").read_text())
    plain: dict[str, torch.Tensor] = {}
    small: dict[str, torch.Tensor] = {}
    for name, tensor in load_file(source / "model.safetensors").items():
        if "_proj" in name and tensor.ndim == 2 and not any(side % BLOCK for side in tensor.shape):
            elements, scales = packed(tensor)
            small |= {name: elements, f"{name}_scale_inv": scales}
            plain[name] = restored_fp8(elements, scales, torch.bfloat16)
        else:
            plain[name] = small[name] = tensor
    assert any(".experts.0.down_proj" in name and name.endswith("_scale_inv") for name in small)
    assert any(".self_attn." in name and name.endswith("_scale_inv") for name in small)
    for folder, tensors in (("plain", plain), ("packed", small)):
        (tmp_path / folder).mkdir()
        save_file(tensors, tmp_path / folder / "model.safetensors", metadata={"format": "pt"})
        (tmp_path / folder / "config.json").write_text(json.dumps(described))
        described["quantization_config"] = {"quant_method": "fp8", "weight_block_size": [BLOCK, BLOCK]}
    return tmp_path / "packed", tmp_path / "plain"


def test_fp8_is_elements_by_the_scales_of_their_blocks() -> None:
    """The last blocks may be smaller."""
    elements = torch.ones(200, 130).to(torch.float8_e4m3fn)
    restored = restored_fp8(elements, torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.float32)
    assert restored[127, 127] == 1.0
    assert restored[127, 128] == 2.0
    assert restored[128, 127] == 3.0
    assert restored[199, 129] == 4.0


def test_scales_of_another_matrix_are_refused() -> None:
    """There is no length of blocks that would fit."""
    with pytest.raises(ValueError, match="3 blocks do not cover 4 weights"):
        restored_fp8(torch.ones(4, 4).to(torch.float8_e4m3fn), torch.ones(3, 4), torch.float32)


def test_a_published_checkpoint_computes_the_bits_of_its_bfloat16_copy(
    published: tuple[Path, Path], offloaded: Offloaded
) -> None:
    """Exact rows hold what FP8 stands for, and so does the dense part; the second start maps the rows."""
    small, plain = published
    with torch.inference_mode():
        expected = eager(plain)(PROMPT).logits
        assert torch.equal(offloaded(small)(PROMPT).logits, expected)
        assert torch.equal(offloaded(small)(PROMPT).logits, expected)


def test_a_published_checkpoint_that_lacks_scales_is_refused(
    published: tuple[Path, Path], offloaded: Offloaded
) -> None:
    """The error names the tensor."""
    small, _ = published
    tensors = load_file(small / "model.safetensors")
    del tensors["model.layers.1.mlp.experts.0.down_proj.weight_scale_inv"]
    save_file(tensors, small / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(NoExpertsHook, match=r"lacks model\.layers\.1\.mlp\.experts\.0\.down_proj"):
        offloaded(small)
