"""The model that all servers run: random weights in the shape of Qwen3-0.6B, written as GGUF.

The quantised blocks are drawn, not computed from larger weights, so it is made in seconds: Q4_0 as
in the common download, and Q8_0 for the embedding and the output head. One thing is not chance:
the head's row of a token is the embedding's row of the one before it (see ``chain``), and the
embedding is large beside what the layers add. So greedy text is known, while every weight is read
and multiplied as in any model. The head is a tensor of its own; Qwen3-0.6B reads its embedding a
second time instead, which is as many bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt
from gguf import GGMLQuantizationType as Quantisation

from tests.bench.edge import chain
from tests.bench.edge.folder import cache_folder

# One message is the prompt as it stands, so that every server reads the same tokens.
_TEMPLATE = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
_BLOCK_LENGTH = 32  # weights that share a scale, in both formats
# Raised when what this file writes changes.
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a dense qwen3 model; the defaults are Qwen3-0.6B's."""

    layer_count: int = 28
    width: int = 1024
    inner_width: int = 3072
    head_count: int = 16
    kv_head_count: int = 8
    head_width: int = 128
    vocabulary_size: int = chain.VOCABULARY_SIZE
    context_token_count: int = 32_768

    @property
    def kv_byte_count(self) -> int:
        """Bytes that one token takes in an f16 KV cache."""
        return self.layer_count * 2 * self.kv_head_count * self.head_width * 2


def make_model(shape: Shape = Shape()) -> Path:
    """Return the file of the model, written to the cache where it is not there."""
    recipe = f"{_VERSION} {sorted(asdict(shape).items())} {_TEMPLATE}"
    key = hashlib.sha256(recipe.encode()).hexdigest()[:12]
    path = cache_folder("models") / f"qwen3-random-q4_0-head-q8_0-{key}.gguf"
    if not path.exists():
        draft = path.with_suffix(".part")
        _write(draft, shape)
        draft.rename(path)
    return path


def read_byte_count(path: Path) -> int:
    """Bytes of weights that one decoding step reads: all but the embedding, of which it takes a row."""
    tensors = gguf.GGUFReader(path).tensors
    return sum(int(tensor.n_bytes) for tensor in tensors if tensor.name != "token_embd.weight")


def _write(path: Path, shape: Shape) -> None:
    writer = gguf.GGUFWriter(path, "qwen3")
    _add_metadata(writer, shape)
    _add_vocabulary(writer, shape.vocabulary_size)
    for name, weights, quantisation in _tensors(shape):
        writer.add_tensor(name, weights, raw_dtype=quantisation)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_metadata(writer: gguf.GGUFWriter, shape: Shape) -> None:
    writer.add_name("random weights")
    writer.add_context_length(shape.context_token_count)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layer_count)
    writer.add_feed_forward_length(shape.inner_width)
    writer.add_head_count(shape.head_count)
    writer.add_head_count_kv(shape.kv_head_count)
    writer.add_key_length(shape.head_width)
    writer.add_value_length(shape.head_width)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(1e6)
    writer.add_vocab_size(shape.vocabulary_size)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_0)
    writer.add_chat_template(_TEMPLATE)


def _add_vocabulary(writer: gguf.GGUFWriter, size: int) -> None:
    """All single bytes, under the names that byte-level BPE gives them, then words, then the end."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    names = bytes_to_unicode()
    letters = [names[byte] for byte in range(256)]
    words = [chain.piece(token) for token in range(256, size - 1)]
    kinds = [gguf.TokenType.NORMAL] * (size - 1) + [gguf.TokenType.CONTROL]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([*letters, *words, "<|end|>"])
    writer.add_token_types(kinds)
    # A list of merges is required; this one makes no token, so that every byte stays alone.
    writer.add_token_merges([f"{letters[0]} {letters[1]}"])
    writer.add_bos_token_id(size - 1)
    writer.add_eos_token_id(size - 1)
    writer.add_pad_token_id(size - 1)
    writer.add_add_bos_token(False)


_Tensor = tuple[str, npt.NDArray[np.generic], Quantisation]


def _tensors(shape: Shape) -> Iterator[_Tensor]:
    chance = np.random.default_rng(0)
    embedding = chance.integers(-127, 128, (shape.vocabulary_size, shape.width), dtype=np.int8)
    head = np.empty_like(embedding)
    head[chain.successors(shape.vocabulary_size)] = embedding
    head[-1] = 0  # the end: its logit is 0, the highest is far above
    yield "token_embd.weight", _q8_0(embedding, deviation=1.0), Quantisation.Q8_0
    yield "output.weight", _q8_0(head, deviation=0.02), Quantisation.Q8_0
    yield _ones("output_norm", shape.width)
    for layer in range(shape.layer_count):
        yield from _layer(chance, shape, f"blk.{layer}.")


def _layer(chance: np.random.Generator, shape: Shape, prefix: str) -> Iterator[_Tensor]:
    query, kv = shape.head_count * shape.head_width, shape.kv_head_count * shape.head_width
    width, inner = shape.width, shape.inner_width
    yield _ones(prefix + "attn_norm", width)
    yield _ones(prefix + "ffn_norm", width)
    yield _ones(prefix + "attn_q_norm", shape.head_width)
    yield _ones(prefix + "attn_k_norm", shape.head_width)
    for name, rows, columns in (
        ("attn_q", query, width),
        ("attn_k", kv, width),
        ("attn_v", kv, width),
        ("attn_output", width, query),
        ("ffn_gate", inner, width),
        ("ffn_up", inner, width),
        ("ffn_down", width, inner),
    ):
        yield f"{prefix}{name}.weight", _q4_0(chance, rows, columns, deviation=0.02), Quantisation.Q4_0


def _ones(name: str, size: int) -> _Tensor:
    return f"{name}.weight", np.ones(size, np.float32), Quantisation.F32


def _q8_0(weights: npt.NDArray[np.int8], deviation: float) -> npt.NDArray[np.uint8]:
    """Blocks of a float16 scale and 32 int8, as bytes, (rows, columns / 32 * 34)."""
    rows, columns = weights.shape
    blocks = np.empty((rows, columns // _BLOCK_LENGTH, 2 + _BLOCK_LENGTH), np.uint8)
    blocks[..., :2] = _scale(deviation, 255)
    blocks[..., 2:] = weights.view(np.uint8).reshape(rows, -1, _BLOCK_LENGTH)
    return blocks.reshape(rows, -1)


def _q4_0(chance: np.random.Generator, rows: int, columns: int, deviation: float) -> npt.NDArray[np.uint8]:
    """Blocks of a float16 scale and 32 numbers of 4 bits, drawn, as bytes, (rows, columns / 32 * 18)."""
    blocks = np.empty((rows, columns // _BLOCK_LENGTH, 2 + _BLOCK_LENGTH // 2), np.uint8)
    blocks[..., :2] = _scale(deviation, 15)
    # -7 to 7, kept as 1 to 15. With -8 the mean is not 0, and over many layers one token wins always.
    low, high = chance.integers(1, 16, (2, *blocks.shape[:2], _BLOCK_LENGTH // 2), dtype=np.uint8)
    blocks[..., 2:] = low | high << 4
    return blocks.reshape(rows, -1)


def _scale(deviation: float, level_count: int) -> npt.NDArray[np.uint8]:
    """Scale that gives ``level_count`` whole numbers, evenly drawn, a standard deviation; as bytes."""
    return np.array([deviation * (12 / (level_count**2 - 1)) ** 0.5], "<f2").view(np.uint8)
