"""What a file needs: memory and speed, from its shape."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import pytest

from backends.llamacpp.models.description import describe

EDGE = Path(__file__).parents[4] / "examples" / "pocket" / "weights" / "edge.gguf"


def test_describes_the_pocket_edge_model() -> None:
    """All tensors are in one group each, and the sizes are those of the file."""
    found = describe(EDGE)
    assert (found.shape.architecture, found.shape.layer_count, found.shape.width) == ("llama", 5, 128)
    assert found.has_chat_template
    assert sum(group.byte_count for group in found.groups) == found.weight_byte_count
    assert sum(group.parameter_count for group in found.groups) == found.parameter_count == 1_041_792


def test_the_cache_takes_keys_and_values_of_every_layer() -> None:
    """5 layers of 128 keys and 128 values in two bytes each; 34 bytes hold 32 of q8_0."""
    shape = describe(EDGE).shape
    assert shape.kv_bytes_per_token() == 5 * (128 + 128) * 2
    assert shape.kv_bytes_per_token("q8_0", "f16") == 5 * (128 // 32 * 34 + 128 * 2)


def test_memory_grows_with_sequences_and_context() -> None:
    """Weights once, a cache for every sequence."""
    found = describe(EDGE)
    memory = found.memory_byte_count(sequence_count=4, context_token_count=512)
    assert memory == found.weight_byte_count + 4 * 512 * found.shape.kv_bytes_per_token()


def test_a_longer_context_lowers_the_bound() -> None:
    """Every token reads the weights and what it remembers."""
    found = describe(EDGE)
    assert found.tokens_per_second_bound(1e9) == pytest.approx(1e9 / found.bytes_read_per_token)
    assert found.tokens_per_second_bound(1e9, context_token_count=512) < found.tokens_per_second_bound(1e9)


def test_an_untied_embedding_is_not_read(tmp_path: Path) -> None:
    """Of a table that is not the head one row is read a token, and of experts those that are used."""
    writer = gguf.GGUFWriter(tmp_path / "m.gguf", "llama")
    for add in (writer.add_block_count, writer.add_head_count):
        add(1)
    writer.add_embedding_length(8)
    writer.add_context_length(16)
    writer.add_expert_count(4)
    writer.add_expert_used_count(1)
    writer.add_vocab_size(10)
    for name, rows in {"token_embd": 10, "output": 10, "blk.0.ffn_up_exps": 40}.items():
        writer.add_tensor(f"{name}.weight", np.zeros((rows, 8), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    assert describe(tmp_path / "m.gguf").bytes_read_per_token == 4 * (10 * 8 + 40 * 8 // 4)
