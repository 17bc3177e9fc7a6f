"""What kind of network a GGUF file holds, and what it takes to run it: memory, and bytes read a token.

Decides which metadata must be sound before llama.cpp may see them: its loader answers some wrong ones
with an assertion that ends the process. Refuses to know the machine.
"""

from __future__ import annotations

from dataclasses import dataclass

from backends.errors import Refused
from backends.llamacpp.models.header import Array, Header, Tensor

# llama.cpp's LLAMA_MAX_LAYERS and LLAMA_MAX_EXPERTS, both asserted.
_MAX_LAYER_COUNT = 512
_MAX_EXPERT_COUNT = 1_024
_MAX_COUNT = 1 << 24
# Bytes of 32 values, as ggml lays them out.
_BLOCK_BYTES = {"f32": 128, "f16": 64, "q8_0": 34, "q4_0": 18}
_EMBEDDING, _HEAD = "token_embd.weight", "output.weight"


@dataclass(frozen=True, slots=True)
class Shape:
    """The numbers that describe a transformer.

    ``key_value_widths`` has one entry a layer: values that a token adds to the cached keys, and to the
    cached values; both 0 in layers without attention. ``expert_count`` 0: dense.
    """

    architecture: str
    layer_count: int
    width: int
    head_count: int
    context_token_count: int
    vocabulary_size: int
    key_value_widths: tuple[tuple[int, int], ...]
    expert_count: int
    expert_used_count: int

    def kv_bytes_per_token(self, key_type: str = "f16", value_type: str = "f16") -> int:
        """Bytes that a token of context takes in the KV cache."""
        return sum(
            -(-keys // 32) * _BLOCK_BYTES[key_type] + -(-values // 32) * _BLOCK_BYTES[value_type]
            for keys, values in self.key_value_widths
        )


def shape_of(header: Header) -> Shape:
    """Read the shape; raises Refused where a number is missing or cannot be."""
    architecture = header.text("general.architecture")
    if not architecture:
        raise Refused("the GGUF file does not name its architecture; it may be an adapter or a vocabulary")
    numbers = _Numbers(header, architecture)
    layer_count = numbers.one("block_count", most=_MAX_LAYER_COUNT)
    width = numbers.one("embedding_length")
    head_counts = numbers.per_layer("attention.head_count", layer_count)
    kv_head_counts = numbers.per_layer("attention.head_count_kv", layer_count, default=head_counts)
    head_width = width // max(head_counts)
    if head_width < 1:
        raise Refused(f"{max(head_counts)} attention heads do not fit into a width of {width}")
    keys = numbers.one("attention.key_length", default=head_width)
    values = numbers.one("attention.value_length", default=head_width)
    expert_count = numbers.one("expert_count", default=0, least=0, most=_MAX_EXPERT_COUNT)
    return Shape(
        architecture=architecture,
        layer_count=layer_count,
        width=width,
        head_count=max(head_counts),
        context_token_count=numbers.one("context_length"),
        vocabulary_size=header.length("tokenizer.ggml.tokens") or numbers.one("vocab_size"),
        key_value_widths=tuple((keys * count, values * count) for count in kv_head_counts),
        expert_count=expert_count,
        expert_used_count=_used_count(numbers, expert_count),
    )


def _used_count(numbers: _Numbers, expert_count: int) -> int:
    least = 1 if expert_count else 0
    return numbers.one("expert_used_count", default=0, least=least, most=expert_count)


def parameter_count(header: Header) -> int:
    """Weights of all tensors."""
    return sum(tensor.element_count for tensor in header.tensors)


def weight_byte_count(header: Header) -> int:
    """Bytes of all tensors."""
    return sum(tensor.byte_count for tensor in header.tensors)


def bytes_read_per_token(header: Header, shape: Shape) -> int:
    """Bytes of weights that one decoded token reads, without the KV cache.

    All of them but the embedding table where the head has one of its own, and of experts the used share.
    """
    tied = all(tensor.name != _HEAD for tensor in header.tensors)
    return sum(_bytes_read(tensor, shape) for tensor in header.tensors if tied or tensor.name != _EMBEDDING)


def _bytes_read(tensor: Tensor, shape: Shape) -> int:
    if "_exps." in tensor.name and shape.expert_count:
        return tensor.byte_count * shape.expert_used_count // shape.expert_count
    return tensor.byte_count


@dataclass(frozen=True, slots=True)
class _Numbers:
    """The metadata of one architecture, as whole numbers within bounds."""

    header: Header
    architecture: str

    def one(self, key: str, *, default: int | None = None, least: int = 1, most: int = _MAX_COUNT) -> int:
        value = self.header.metadata.get(f"{self.architecture}.{key}", default)
        return self._checked(key, value, least, most)

    def per_layer(
        self, key: str, layer_count: int, *, default: tuple[int, ...] | None = None
    ) -> tuple[int, ...]:
        """One number a layer, where the file may hold a single one for all."""
        value = self.header.metadata.get(f"{self.architecture}.{key}", default)
        found = value.values if isinstance(value, Array) else value
        values = found if isinstance(found, tuple) else (found,) * layer_count
        counts = tuple(self._checked(key, each, 0, _MAX_COUNT) for each in values)
        if len(counts) < layer_count or max(counts) == 0:
            raise Refused(f"{self.architecture}.{key} is {value!r}, which does not fit {layer_count} layers")
        return counts[:layer_count]

    def _checked(self, key: str, value: object, least: int, most: int) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise Refused(
                f"{self.architecture}.{key} is {value!r} in the GGUF file, not a number from {least} to "
                f"{most}; get the file again, or convert the model anew"
            )
        return value
