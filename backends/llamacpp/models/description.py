"""What a GGUF file is, and what it would take to serve it, as one value for people and programs."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from backends.llamacpp.models.header import Header, read_header
from backends.llamacpp.models.shape import (
    Shape,
    bytes_read_per_token,
    parameter_count,
    shape_of,
    weight_byte_count,
)

_PURPOSES = {
    "token_embd.weight": "embedding",
    "output.weight": "head",
    "attn_q.weight": "attention",
    "attn_k.weight": "attention",
    "attn_v.weight": "attention",
    "attn_qkv.weight": "attention",
    "attn_output.weight": "attention",
    "ffn_up.weight": "feed-forward",
    "ffn_gate.weight": "feed-forward",
    "ffn_down.weight": "feed-forward",
    "ffn_up_exps.weight": "experts",
    "ffn_gate_exps.weight": "experts",
    "ffn_down_exps.weight": "experts",
}


@dataclass(frozen=True, slots=True)
class Group:
    """Tensors of one purpose and number format."""

    purpose: str
    type: str
    tensor_count: int
    parameter_count: int
    byte_count: int


@dataclass(frozen=True, slots=True)
class Description:
    """A model file. ``groups`` cover all tensors, largest first; None: the file does not say."""

    path: str
    name: str | None
    shape: Shape
    file_byte_count: int
    parameter_count: int
    weight_byte_count: int
    bytes_read_per_token: int
    groups: tuple[Group, ...]
    tokenizer: str | None
    pre_tokenizer: str | None
    has_chat_template: bool

    @property
    def bits_per_weight(self) -> float:
        """Mean size of a weight."""
        return 8 * self.weight_byte_count / max(1, self.parameter_count)

    def memory_byte_count(self, *, sequence_count: int, context_token_count: int) -> int:
        """Weights and KV caches in f16 for that many sequences; working memory comes on top."""
        tokens = sequence_count * context_token_count
        return self.weight_byte_count + tokens * self.shape.kv_bytes_per_token()

    def tokens_per_second_bound(self, read_bytes_per_second: float, *, context_token_count: int = 0) -> float:
        """Most tokens a second that one sequence can be written at behind ``context_token_count`` tokens.

        Every token reads the weights and its KV cache once; arithmetic is taken to be free.
        """
        cache = context_token_count * self.shape.kv_bytes_per_token()
        return read_bytes_per_second / (self.bytes_read_per_token + cache)


def describe(path: Path) -> Description:
    """Describe the model file at ``path``; raises Refused where it is not a sound one."""
    header = read_header(path)
    shape = shape_of(header)
    return Description(
        path=str(path),
        name=header.text("general.name"),
        shape=shape,
        file_byte_count=header.file_byte_count,
        parameter_count=parameter_count(header),
        weight_byte_count=weight_byte_count(header),
        bytes_read_per_token=bytes_read_per_token(header, shape),
        groups=_groups(header),
        tokenizer=header.text("tokenizer.ggml.model"),
        pre_tokenizer=header.text("tokenizer.ggml.pre"),
        has_chat_template=bool(header.text("tokenizer.chat_template")),
    )


def purpose_of(tensor_name: str) -> str:
    """What a tensor is for, in a word."""
    return _PURPOSES.get(re.sub(r"^blk\.\d+\.", "", tensor_name), "norms and others")


def _groups(header: Header) -> tuple[Group, ...]:
    counts: Counter[tuple[str, str]] = Counter()
    parameters: Counter[tuple[str, str]] = Counter()
    sizes: Counter[tuple[str, str]] = Counter()
    for tensor in header.tensors:
        key = purpose_of(tensor.name), tensor.type
        counts[key] += 1
        parameters[key] += tensor.element_count
        sizes[key] += tensor.byte_count
    return tuple(Group(*key, counts[key], parameters[key], size) for key, size in sizes.most_common())
