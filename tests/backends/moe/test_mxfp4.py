"""GPT-OSS as it is published: experts in MXFP4, dense part in bfloat16."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, GptOssConfig
from transformers.integrations.mxfp4 import convert_moe_packed_tensors

from backends.moe.bound import Rates
from backends.moe.description import describe
from backends.moe.errors import NoExpertsHook
from backends.moe.offload_options import OffloadOptions
from backends.moe.store.mxfp4 import BLOCK_SIZE, restored_mxfp4
from tests.backends.moe.conftest import Offloaded
from tests.backends.moe.mixtures import eager

PROMPT = torch.tensor([[5, 17, 101, 33, 9, 77, 140, 6]])
EXPERT_COUNT = 4


def blocks(*shape: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Random elements and scales of (experts, outputs, inputs)."""
    *outer, inputs = shape
    elements = torch.randint(0, 256, (*outer, inputs // BLOCK_SIZE, 16), dtype=torch.uint8)
    scales = torch.randint(122, 126, (*outer, inputs // BLOCK_SIZE), dtype=torch.uint8)
    return elements, scales


@pytest.fixture
def published(tmp_path: Path) -> tuple[Path, Path]:
    """A checkpoint in MXFP4, and the same numbers in bfloat16."""
    config = GptOssConfig(
        vocab_size=160,
        hidden_size=64,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
        num_local_experts=EXPERT_COUNT,
        num_experts_per_tok=2,
        max_position_embeddings=256,
        pad_token_id=0,
        eos_token_id=2,
        initializer_range=0.3,
    )
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).save_pretrained(tmp_path / "plain")
    tensors = load_file(tmp_path / "plain" / "model.safetensors")
    packed = {name: tensor for name, tensor in tensors.items() if not name.endswith(("up_proj", "down_proj"))}
    for name in tensors.keys() - packed.keys():
        outputs, inputs = (64, 64) if "gate_up" in name else (64, 32)
        elements, scales = blocks(EXPERT_COUNT, outputs, inputs)
        packed |= {f"{name}_blocks": elements, f"{name}_scales": scales}
        tensors[name] = convert_moe_packed_tensors(elements, scales)
    (tmp_path / "packed").mkdir()
    save_file(packed, tmp_path / "packed" / "model.safetensors", metadata={"format": "pt"})
    save_file(tensors, tmp_path / "plain" / "model.safetensors", metadata={"format": "pt"})
    described = json.loads((tmp_path / "plain" / "config.json").read_text())
    described["quantization_config"] = {"quant_method": "mxfp4", "modules_to_not_convert": ["lm_head"]}
    (tmp_path / "packed" / "config.json").write_text(json.dumps(described))
    return tmp_path / "packed", tmp_path / "plain"


def test_mxfp4_is_restored_as_transformers_does() -> None:
    """All elements under all scales of a checkpoint's range, bit by bit."""
    elements, scales = blocks(3, 32, 64)
    ours = torch.stack([restored_mxfp4(*pair, torch.bfloat16) for pair in zip(elements, scales, strict=True)])
    assert torch.equal(ours.transpose(1, 2), convert_moe_packed_tensors(elements, scales))


def test_a_published_checkpoint_computes_the_bits_of_its_bfloat16_copy(
    published: tuple[Path, Path], offloaded: Offloaded
) -> None:
    """Exact rows hold what MXFP4 stands for; the second start maps them."""
    packed, plain = published
    with torch.inference_mode():
        expected = eager(plain)(PROMPT).logits
        assert torch.equal(offloaded(packed)(PROMPT).logits, expected)
        assert torch.equal(offloaded(packed)(PROMPT).logits, expected)


def test_a_published_checkpoint_that_lacks_experts_is_refused(
    published: tuple[Path, Path], offloaded: Offloaded
) -> None:
    """The error names the tensor."""
    packed, _ = published
    tensors = load_file(packed / "model.safetensors")
    del tensors["model.layers.1.mlp.experts.down_proj_scales"]
    save_file(tensors, packed / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(NoExpertsHook, match=r"lacks model\.layers\.1\.mlp\.experts\.down_proj_scales"):
        offloaded(packed)


def test_a_published_checkpoint_is_described(published: tuple[Path, Path], tmp_path: Path) -> None:
    """Rows of what it stands for, from the config alone."""
    found = describe(str(published[0]), OffloadOptions(cache_dir=tmp_path / "stores"), Rates(1e10, 1e9))
    exact, int4 = found.stores
    assert (found.layer_count, found.expert_count, found.top_k) == (2, EXPERT_COUNT, 2)
    assert exact.byte_count == 2 * EXPERT_COUNT * exact.row_byte_count > int4.byte_count
    assert exact.path is None


def test_other_quantised_checkpoints_are_refused_by_name(
    published: tuple[Path, Path], offloaded: Offloaded
) -> None:
    """The error says which method it is, and what can be read."""
    packed, _ = published
    described = json.loads((packed / "config.json").read_text())
    described["quantization_config"] = {"quant_method": "awq"}
    (packed / "config.json").write_text(json.dumps(described))
    with pytest.raises(NoExpertsHook, match=r"quantised already \(awq\).*MXFP4"):
        offloaded(packed)
