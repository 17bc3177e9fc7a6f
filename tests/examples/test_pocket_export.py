"""Exported pocket models: what engines load is what was trained."""

from collections.abc import Iterator
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

from examples.pocket.answering import answer_greedily
from examples.pocket.export import save_folder
from examples.pocket.family import FAMILY, new_model
from examples.pocket.gguf_file import write_gguf
from examples.pocket.tasks import draw
from examples.pocket.tokenizer import load_tokenizer
from examples.pocket.weights import EDGE, FRONTIER, LOCAL, WEIGHTS


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Models this small decode a hundred times slower where threads wait for each other on busy cores."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    """The tokenizer as shipped."""
    return load_tokenizer(LOCAL)


@pytest.fixture(scope="module")
def edge_in_full(tmp_path_factory: pytest.TempPathFactory, tokenizer: PreTrainedTokenizerFast) -> Path:
    """An untrained edge model as F32 GGUF."""
    path = tmp_path_factory.mktemp("gguf") / "edge.gguf"
    model = new_model(FAMILY["edge"], seed=3)
    write_gguf(path, model, tokenizer, name="edge", matrices=GGMLQuantizationType.F32)
    return path


def test_gguf_says_what_the_engine_needs(edge_in_full: Path) -> None:
    """The metadata names architecture, context, pattern, end token and chat template."""
    fields = gguf.GGUFReader(edge_in_full).fields
    assert fields["general.architecture"].contents() == "llama"
    assert fields["llama.context_length"].contents() >= 512
    assert fields["tokenizer.ggml.pre"].contents() == "gpt-2"
    assert fields["tokenizer.ggml.eos_token_id"].contents() == 4
    assert "<|assistant|>" in fields["tokenizer.chat_template"].contents()


def test_edge_is_four_bit() -> None:
    """The shipped edge model's hidden matrices are Q4_0, its tied embeddings Q8_0."""
    kinds = {tensor.name: tensor.tensor_type for tensor in gguf.GGUFReader(EDGE).tensors}
    assert kinds["token_embd.weight"] == GGMLQuantizationType.Q8_0
    assert kinds["blk.0.attn_q.weight"] == kinds["blk.0.ffn_down.weight"] == GGMLQuantizationType.Q4_0


def test_llama_cpp_gives_the_same_ids(edge_in_full: Path, tokenizer: PreTrainedTokenizerFast) -> None:
    """llama.cpp and transformers tokenize a chat alike, special tokens included."""
    llama_cpp = pytest.importorskip("llama_cpp")
    engine = llama_cpp.Llama(str(edge_in_full), vocab_only=True, verbose=False)
    for sample in draw(300, split="test", seed=4):
        text = f"<|user|>{sample.prompt}<|assistant|><think>{sample.reasoning}</think>{sample.answer}<|end|>"
        assert engine.tokenize(text.encode(), add_bos=False, special=True) == tokenizer(text).input_ids


def test_llama_cpp_gives_the_same_logits(edge_in_full: Path, tokenizer: PreTrainedTokenizerFast) -> None:
    """In F32 the next-token scores of llama.cpp and transformers agree."""
    llama_cpp = pytest.importorskip("llama_cpp")
    ids = tokenizer("<|user|>What is 34 + 5?<|assistant|>").input_ids
    engine = llama_cpp.Llama(
        str(edge_in_full), n_ctx=512, logits_all=True, flash_attn=False, type_k=0, type_v=0, verbose=False
    )
    engine.eval(ids)
    with torch.no_grad():
        expected = new_model(FAMILY["edge"], seed=3)(torch.tensor([ids])).logits[0].numpy()
    assert np.abs(engine.scores[: len(ids)] - expected).max() < 1e-3


def test_local_folder_reloads_to_the_same_answers(tmp_path: Path, tokenizer: PreTrainedTokenizerFast) -> None:
    """A saved folder loads offline through the Auto classes and writes what the model wrote."""
    model = new_model(FAMILY["local"], seed=2).eval().to(torch.bfloat16)
    prompts = ["What is 34 + 5?", "Sort: 3 1 2"]
    expected = answer_greedily(model, tokenizer, prompts)
    save_folder(tmp_path / "local", model, tokenizer)
    again = AutoModelForCausalLM.from_pretrained(tmp_path / "local", local_files_only=True).eval()
    names = AutoTokenizer.from_pretrained(tmp_path / "local", local_files_only=True)
    assert answer_greedily(again, names, prompts) == expected


def test_saving_again_replaces_the_folder(tmp_path: Path, tokenizer: PreTrainedTokenizerFast) -> None:
    """A second export leaves one folder, the new one."""
    for seed in (1, 2):
        save_folder(tmp_path / "local", new_model(FAMILY["local"], seed=seed), tokenizer)
    assert [path.name for path in tmp_path.iterdir()] == ["local"]


def test_weights_stay_small() -> None:
    """All shipped weights together take at most 22 MB, so they can live in the repository."""
    assert sum(path.stat().st_size for path in WEIGHTS.rglob("*") if path.is_file()) <= 22e6


def test_frontier_is_eight_bit() -> None:
    """The shipped frontier model is Q8_0 throughout."""
    kinds = {tensor.tensor_type for tensor in gguf.GGUFReader(FRONTIER).tensors if len(tensor.shape) > 1}
    assert kinds == {GGMLQuantizationType.Q8_0}
