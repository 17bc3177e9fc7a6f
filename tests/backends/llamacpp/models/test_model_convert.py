"""Conversion: the file computes what the source computes, or is not written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import pre_tokenizers
from transformers import PreTrainedTokenizerFast

from backends.errors import Refused
from backends.llamacpp.models.convert import architecture
from backends.llamacpp.models.convert.convert import Card, WeightType, convert
from backends.llamacpp.models.convert.weights import SourceWeights
from tests.backends.llamacpp.models.sources import (
    LLAMA3,
    QWEN2,
    save_llama,
    save_qwen3,
    smollm,
    split,
    tokenizer,
)

Save = Callable[[Path], Path]


def gpt2() -> PreTrainedTokenizerFast:
    """The plainest tokenizer."""
    return tokenizer(pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True))


def llama3_rope(folder: Path) -> Path:
    """Llama 3.1: stretched frequencies, grouped heads, its own first token; and all the biases there are."""
    rope = {
        "rope_type": "llama3",
        "rope_theta": 10_000.0,
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 64,
    }
    words = tokenizer(split(LLAMA3), begins=True, ignore_merges=True)
    return save_llama(folder, words, attention_bias=True, mlp_bias=True, rope_parameters=rope)


def linear_rope(folder: Path) -> Path:
    """A tied Llama with linear scaling and SmolLM's tokenizer."""
    rope = {"rope_type": "linear", "rope_theta": 10_000.0, "factor": 2.0}
    return save_llama(folder, tokenizer(smollm()), tie_word_embeddings=True, rope_parameters=rope)


def yarn_rope(folder: Path) -> Path:
    """A Qwen3 with YaRN, biases on nothing, and Qwen's tokenizer."""
    rope = {
        "rope_type": "yarn",
        "rope_theta": 1e6,
        "factor": 4.0,
        "original_max_position_embeddings": 64,
    }
    return save_qwen3(folder, tokenizer(split(QWEN2), nfc=True), rope_parameters=rope)


@pytest.mark.parametrize(
    ("save", "weight_type", "pre_tokenizer"),
    [
        (llama3_rope, "f32", "llama-bpe"),
        (linear_rope, "f32", "smollm"),
        (yarn_rope, "f32", "qwen2"),
        (llama3_rope, "f16", "llama-bpe"),
    ],
)
def test_computes_what_transformers_computes(
    tmp_path: Path, save: Save, weight_type: WeightType, pre_tokenizer: str
) -> None:
    """Texts are split alike, and in f32 every greedy token is the same."""
    found = convert(save(tmp_path / "source"), tmp_path / "out.gguf", weight_type=weight_type)
    assert found.parity is not None
    assert found.parity.wrong_texts == ()
    if weight_type == "f32":
        assert found.parity.same_token_count == found.parity.token_count > 50
        assert found.parity.largest_difference_nats < 1e-3
    fields = gguf.GGUFReader(tmp_path / "out.gguf").fields
    assert fields["tokenizer.ggml.pre"].contents() == pre_tokenizer


def test_a_wrong_layout_is_found_and_nothing_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rotary halves in transformers' order make another model; the check says so."""
    monkeypatch.setattr(architecture, "_interleaved", lambda weight, _: weight)
    with pytest.raises(Refused, match="otherwise than transformers"):
        convert(save_llama(tmp_path / "source", gpt2()), tmp_path / "out.gguf", weight_type="f32")
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


@pytest.mark.parametrize(("dtype", "weight_type"), [(torch.bfloat16, "bf16"), (torch.float16, "f16")])
def test_a_type_of_its_own_is_kept_exactly(
    tmp_path: Path, dtype: torch.dtype, weight_type: WeightType
) -> None:
    """Weights that are in the wanted format already are not rounded."""
    source = save_qwen3(tmp_path / "source", gpt2(), dtype)
    convert(source, tmp_path / "out.gguf", weight_type=weight_type, check=False)
    tensors = {tensor.name: tensor for tensor in gguf.GGUFReader(tmp_path / "out.gguf").tensors}
    for ours, theirs in {"token_embd": "embed_tokens", "blk.1.ffn_down": "layers.1.mlp.down_proj"}.items():
        tensor = tensors[f"{ours}.weight"]
        found = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        expected = load_file(source / "model.safetensors")[f"model.{theirs}.weight"].float().numpy()
        assert np.array_equal(found, expected)


def test_says_what_the_engine_needs(tmp_path: Path) -> None:
    """Name, special tokens, kinds of tokens, template and all ends of an answer are in the file."""
    source = save_llama(tmp_path / "source", tokenizer(split(LLAMA3), begins=True, ignore_merges=True))
    (source / "generation_config.json").write_text(json.dumps({"eos_token_id": [1, 7]}))
    convert(source, tmp_path / "out.gguf", card=Card("a name", "a licence"), check=False)
    fields = {key: field.contents() for key, field in gguf.GGUFReader(tmp_path / "out.gguf").fields.items()}
    assert (fields["general.name"], fields["general.license"]) == ("a name", "a licence")
    ends = [fields[f"tokenizer.ggml.{name}_token_id"] for name in ("bos", "eos", "eot")]
    assert ends == [0, 1, 7]
    assert fields["tokenizer.ggml.add_bos_token"] is True
    assert fields["tokenizer.chat_template"] == "{{ messages[0]['content'] }}"
    kinds, tokens = fields["tokenizer.ggml.token_type"], fields["tokenizer.ggml.tokens"]
    assert [kinds[tokens.index(token)] for token in ("<|end|>", "<tool>", f"[PAD{len(tokens) - 1}]")] == [
        3,
        4,
        5,
    ]
    assert len(tokens) == len(set(tokens)) == fields["llama.vocab_size"]


def test_weights_over_several_files_are_found(tmp_path: Path) -> None:
    """A sharded model has an index that says where each tensor lies."""
    from transformers import AutoModelForCausalLM

    whole = save_qwen3(tmp_path / "whole", gpt2())
    AutoModelForCausalLM.from_pretrained(whole).save_pretrained(tmp_path / "shards", max_shard_size="20KB")
    one, many = SourceWeights.open(whole), SourceWeights.open(tmp_path / "shards")
    assert one.places.keys() == many.places.keys()
    assert all(np.array_equal(one.read(name), many.read(name)) for name in one.places)


def change(folder: Path, file: str, **values: Any) -> None:
    """Write other values into a JSON file of a model folder."""
    path = folder / file
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "another architecture": (
        lambda folder: change(folder, "config.json", architectures=["FalconForCausalLM"]),
        "FalconForCausalLM cannot be converted",
    ),
    "a sliding window": (
        lambda folder: change(folder, "config.json", use_sliding_window=True),
        "use_sliding_window",
    ),
    "an unknown rotation": (
        lambda folder: change(
            folder, "config.json", rope_parameters={"rope_type": "dynamic", "factor": 2, "rope_theta": 1e4}
        ),
        "rotary embedding 'dynamic'",
    ),
    "more layers than weights": (
        lambda folder: change(folder, "config.json", num_hidden_layers=3),
        r"missing \['model.layers.2",
    ),
    "fewer layers than weights": (
        lambda folder: change(folder, "config.json", num_hidden_layers=1),
        r"unknown \['model.layers.1",
    ),
    "an unknown pre-tokenizer": (
        lambda folder: change(
            folder, "tokenizer.json", pre_tokenizer={"type": "Metaspace", "replacement": "_"}
        ),
        "knows no pre-tokenizer",
    ),
    "a tokenizer that is no BPE": (
        lambda folder: change(folder, "tokenizer.json", model={"type": "Unigram", "vocab": []}),
        "only byte-level BPE",
    ),
    "a tokenizer that lowers": (
        lambda folder: change(folder, "tokenizer.json", normalizer={"type": "Lowercase"}),
        "normalises text by 'Lowercase'",
    ),
    "a tokenizer without merges": (
        lambda folder: change(
            folder, "tokenizer.json", model={"type": "BPE", "vocab": {"a": 0}, "ignore_merges": False}
        ),
        "lacks a part",
    ),
    "two tokens before a text": (
        lambda folder: change(
            folder,
            "tokenizer.json",
            post_processor={
                "type": "TemplateProcessing",
                "single": [{"SpecialToken": {"id": "x"}}, {"SpecialToken": {"id": "x"}}, {"Sequence": {}}],
                "special_tokens": {"x": {"ids": [0]}},
            },
        ),
        "several tokens before",
    ),
    "no weights": (lambda folder: (folder / "model.safetensors").unlink(), "no file model.safetensors"),
    "broken weights": (
        lambda folder: (folder / "model.safetensors").write_bytes(b"\xff" * 64),
        "not a safetensors file",
    ),
    "no configuration": (lambda folder: (folder / "config.json").unlink(), r"no config\.json"),
    "broken configuration": (lambda folder: (folder / "config.json").write_text("{"), "is not JSON"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_not_compute_the_same_is_refused(tmp_path: Path, name: str) -> None:
    """Nothing is guessed, and nothing is left behind."""
    spoil, message = REFUSED[name]
    source = save_llama(tmp_path / "source", gpt2())
    spoil(source)
    with pytest.raises(Refused, match=message):
        convert(source, tmp_path / "out.gguf", check=False)
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_a_merge_rule_of_another_model_is_refused(tmp_path: Path) -> None:
    """Llama 3's pattern without its ignored merges splits otherwise in llama.cpp."""
    source = save_llama(tmp_path / "source", tokenizer(split(LLAMA3), ignore_merges=False))
    with pytest.raises(Refused, match="ignore_merges False"):
        convert(source, tmp_path / "out.gguf", check=False)


def test_weights_too_large_for_f16_are_refused(tmp_path: Path) -> None:
    """Infinity in a file would silence the model."""
    source = save_llama(tmp_path / "source", gpt2(), torch.bfloat16, initializer_range=1.0)
    big = {name: tensor * 1e5 for name, tensor in load_file(source / "model.safetensors").items()}
    save_file(big, source / "model.safetensors")
    with pytest.raises(Refused, match="--type bf16"):
        convert(source, tmp_path / "out.gguf", weight_type="f16", check=False)
