"""Quantisation: formats as asked for, importance as it is, nothing left behind where it fails."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt
import pytest
import torch

from backends.errors import Refused
from backends.llamacpp.models.child import run_job
from backends.llamacpp.models.header import read_header
from backends.llamacpp.models.quantize.quantize import quantize
from backends.llamacpp.models.quantize.recipe import Recipe, overrides_from
from backends.llamacpp.models.texts import Text

EDGE = Path(__file__).parents[4] / "examples" / "pocket" / "weights" / "edge.gguf"
TEXTS = (Text("the quick brown fox jumps over the lazy dog"), Text("an answer", prompt="a question "))


def importance(path: Path, folder: Path) -> dict[str, npt.NDArray[np.float32]]:
    """What the job measures."""
    target = str(folder / "importance.npz")
    request = {"path": str(path), "texts": [asdict(text) for text in TEXTS], "target": target}
    run_job("backends.llamacpp.models.quantize.importance", request)
    return dict(np.load(target))


def test_importance_is_the_mean_square_of_inputs(tiny_gguf: Path, tmp_path: Path) -> None:
    """What llama.cpp multiplies each matrix by is what transformers does, on equal weights and tokens."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(tiny_gguf.parent, dtype=torch.float32)
    words = AutoTokenizer.from_pretrained(tiny_gguf.parent)
    inputs: list[torch.Tensor] = []
    model.model.layers[1].mlp.down_proj.register_forward_pre_hook(lambda _, given: inputs.append(given[0][0]))
    with torch.inference_mode():
        for text in TEXTS:
            model(torch.tensor([words(text.prompt).input_ids + words(text.text).input_ids]))
    expected = torch.cat(inputs).square().mean(0).numpy()
    found = importance(tiny_gguf, tmp_path)
    assert found["blk.1.ffn_down.weight"] == pytest.approx(expected, rel=0.02)
    assert len(found) == 2 * 7
    assert np.array_equal(found["blk.0.attn_q.weight"], found["blk.0.attn_v.weight"])


def save_mixture(path: Path, used_count: int) -> Path:
    """A random mixture of two experts as GGUF, with the tokens of a byte-level vocabulary."""
    random, writer = np.random.default_rng(0), gguf.GGUFWriter(path, "qwen3moe")
    for add, count in {
        writer.add_block_count: 1,
        writer.add_embedding_length: 32,
        writer.add_context_length: 64,
        writer.add_head_count: 2,
        writer.add_feed_forward_length: 32,
        writer.add_expert_feed_forward_length: 32,
        writer.add_expert_count: 2,
        writer.add_expert_used_count: used_count,
    }.items():
        add(count)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([*"abcdefghijklmnopqrstuvwxyz", "Ġ", "ab"])
    writer.add_token_types([1] * 28)
    writer.add_token_merges(["a b"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    writer.add_add_bos_token(False)
    layer: dict[str, tuple[int, ...]] = {f"attn_{part}": (32, 32) for part in ("q", "k", "v", "output")}
    layer |= {f"ffn_{part}_exps": (2, 32, 32) for part in ("gate", "up", "down")}
    layer |= {"ffn_gate_inp": (2, 32), "attn_norm": (32,), "ffn_norm": (32,)}
    layer |= {"attn_q_norm": (16,), "attn_k_norm": (16,)}
    shapes = {f"blk.0.{name}": shape for name, shape in layer.items()}
    for name, shape in (shapes | {"token_embd": (28, 32), "output": (28, 32), "output_norm": (32,)}).items():
        writer.add_tensor(f"{name}.weight", random.normal(size=shape).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_importance_of_experts_is_their_own(tmp_path: Path) -> None:
    """Where every expert sees every token, each one's inputs are the router's; else they differ."""
    both = importance(save_mixture(tmp_path / "both.gguf", 2), tmp_path)
    of_router = both["blk.0.ffn_gate_inp.weight"]
    assert both["blk.0.ffn_up_exps.weight"] == pytest.approx(np.tile(of_router, 2), rel=1e-5)
    one = importance(save_mixture(tmp_path / "one.gguf", 1), tmp_path)
    first, second = one["blk.0.ffn_up_exps.weight"].reshape(2, 32)
    assert not np.allclose(first, second)


def test_a_mixture_can_be_quantised_by_importance(tmp_path: Path) -> None:
    """llama.cpp takes the importance of all experts together."""
    source = save_mixture(tmp_path / "one.gguf", 1)
    found = quantize(source, tmp_path / "q.gguf", Recipe("q4_0"), texts=TEXTS)
    assert found.importance_token_count > 40
    assert "q4_0" in {change.after for change in found.changes if "_exps" in change.name}


def test_the_shipped_edge_model_comes_out_of_it(tmp_path: Path) -> None:
    """Widened to f32 and quantised again, every tensor has the bytes that are shipped."""
    quantize(EDGE, tmp_path / "full.gguf", Recipe("f32", requantize=True))
    quantize(tmp_path / "full.gguf", tmp_path / "again.gguf", Recipe("q4_0", head="q8_0"))
    shipped = {tensor.name: tensor for tensor in gguf.GGUFReader(EDGE).tensors}
    again = gguf.GGUFReader(tmp_path / "again.gguf").tensors
    assert shipped.keys() == {tensor.name for tensor in again}
    for tensor in again:
        assert tensor.tensor_type == shipped[tensor.name].tensor_type
        assert np.array_equal(tensor.data, shipped[tensor.name].data), tensor.name


def test_formats_by_name_and_head(tiny_gguf: Path, tmp_path: Path) -> None:
    """Overrides and the head hold over the mixture; a tied embedding is the head."""
    recipe = Recipe("q4_0", head="q8_0", overrides=(("attn_v", "q8_0"), (r"blk\.1\.ffn", "q5_0")))
    found = quantize(tiny_gguf, tmp_path / "q.gguf", recipe)
    types = {tensor.name: tensor.type for tensor in read_header(tmp_path / "q.gguf").tensors}
    assert types == {change.name: change.after for change in found.changes}
    assert types["token_embd.weight"] == types["blk.0.attn_v.weight"] == "q8_0"
    assert types["blk.1.ffn_up.weight"] == "q5_0"
    assert types["blk.0.ffn_up.weight"] == "q4_0"
    assert types["blk.0.attn_norm.weight"] == "f32"


def test_rows_that_do_not_fit_are_told(tiny_gguf: Path, tmp_path: Path) -> None:
    """K-quants need rows of 256; llama.cpp takes others, and the report says which."""
    found = quantize(tiny_gguf, tmp_path / "q.gguf", Recipe("q4_k_m"))
    fallbacks = {change.name: (change.wanted, change.after) for change in found.fallbacks}
    assert fallbacks["blk.0.attn_q.weight"] == ("q4_k", "q5_0")
    assert all(change.before == "f32" for change in found.changes)


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (Recipe("q9_z"), "is no mixture"),
        (Recipe("q4_0", head="q9"), "is no number format"),
        (Recipe("q4_0", head="q6_k"), "rows of 32, and q6_k needs a multiple of 256"),
        (Recipe("q4_0", overrides=(("nothing_like_it", "q8_0"),)), "no tensor has a name like"),
        (Recipe("q4_0", overrides=(("(", "q8_0"),)), "not a regular expression"),
        (Recipe("iq2_xs"), "--prompts"),
    ],
)
def test_a_wrong_recipe_is_refused(tiny_gguf: Path, tmp_path: Path, recipe: Recipe, message: str) -> None:
    """Before llama.cpp sees it, with what would be right."""
    with pytest.raises(Refused, match=message):
        quantize(tiny_gguf, tmp_path / "q.gguf", recipe)
    assert list(tmp_path.iterdir()) == []


def test_quantised_weights_are_not_quantised_again(tmp_path: Path) -> None:
    """They would lose twice, unless that is said to be wanted."""
    with pytest.raises(Refused, match="--requantize"):
        quantize(EDGE, tmp_path / "q.gguf", Recipe("q8_0"))


def test_a_file_that_llama_cpp_cannot_take_leaves_nothing(tiny_gguf: Path, tmp_path: Path) -> None:
    """Its own words are passed on."""
    path = tmp_path / "odd.gguf"
    path.write_bytes(tiny_gguf.read_bytes().replace(b"qwen3", b"qwen9"))
    with pytest.raises(Refused, match="unknown model architecture"):
        quantize(path, tmp_path / "q.gguf", Recipe("q4_0"))
    assert [each.name for each in tmp_path.iterdir()] == ["odd.gguf"]


def test_overrides_are_read_from_the_right() -> None:
    """A pattern may hold an equals sign, a format may not."""
    assert list(overrides_from(["a=b=Q8_0"])) == [("a=b", "q8_0")]
    with pytest.raises(Refused, match="regex=type"):
        list(overrides_from(["attn_v"]))
