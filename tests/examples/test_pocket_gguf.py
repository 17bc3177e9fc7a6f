"""The pocket edge model goes through the same converter and quantiser as any other."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt
import pytest
import torch
from gguf import GGMLQuantizationType, GGUFReader
from transformers import LlamaForCausalLM

from examples.pocket.family import FAMILY, new_model
from examples.pocket.gguf_file import write_gguf
from examples.pocket.tokenizer import load_tokenizer
from examples.pocket.weights import EDGE, LOCAL

PARTS = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
WHOLE = {"token_embd": "model.embed_tokens", "output_norm": "model.norm"}


def source_name(name: str) -> str:
    """What transformers calls a tensor."""
    stem = name.removesuffix(".weight")
    if stem in WHOLE:
        return f"{WHOLE[stem]}.weight"
    _, layer, part = stem.split(".")
    return f"model.layers.{layer}.{PARTS[part]}.weight"


def halves(weight: npt.NDArray[np.float32], head_count: int) -> npt.NDArray[np.float32]:
    """Turn the pairs that llama.cpp rotates back into rotary halves."""
    pairs = weight.reshape(head_count, -1, 2, weight.shape[1])
    return pairs.swapaxes(1, 2).reshape(weight.shape)


@pytest.fixture(scope="module")
def edge() -> LlamaForCausalLM:
    """The shipped edge model as transformers has it, its weights widened to float32."""
    model, weights = new_model(FAMILY["edge"], seed=0), {}
    for tensor in GGUFReader(EDGE).tensors:
        weight = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        if "attn_q." in tensor.name or "attn_k." in tensor.name:
            weight = halves(weight, model.config.num_attention_heads)
        weights[source_name(tensor.name)] = torch.from_numpy(weight.copy())
    model.load_state_dict(weights, strict=False)
    return model


def test_the_shipped_file_comes_out_byte_for_byte(edge: LlamaForCausalLM, tmp_path: Path) -> None:
    """Converted and quantised anew, every tensor and everything that was said of the model is the same."""
    path, kind = tmp_path / "edge.gguf", GGMLQuantizationType.Q4_0
    write_gguf(path, edge, load_tokenizer(LOCAL), name="pocket-edge", matrices=kind)
    shipped, written = GGUFReader(EDGE), GGUFReader(path)
    ours = {tensor.name: tensor for tensor in written.tensors}
    assert ours.keys() == {tensor.name for tensor in shipped.tensors}
    for tensor in shipped.tensors:
        assert ours[tensor.name].tensor_type == tensor.tensor_type
        assert np.array_equal(ours[tensor.name].data, tensor.data), tensor.name
    for key in shipped.fields.keys() - {"GGUF.kv_count"}:
        assert written.fields[key].contents() == shipped.fields[key].contents(), key
