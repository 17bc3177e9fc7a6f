"""What a quantisation asks for: number formats by name, checked against the file first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from backends.errors import Refused
from backends.llamacpp.models.header import Header, Tensor

# llama.cpp's mixtures by name, with the number of its llama_ftype.
MIXTURES = {
    "f32": 0,
    "f16": 1,
    "bf16": 32,
    "q4_0": 2,
    "q4_1": 3,
    "q5_0": 8,
    "q5_1": 9,
    "q8_0": 7,
    "q2_k": 10,
    "q3_k_s": 11,
    "q3_k_m": 12,
    "q3_k_l": 13,
    "q4_k_s": 14,
    "q4_k_m": 15,
    "q5_k_s": 16,
    "q5_k_m": 17,
    "q6_k": 18,
    "iq2_xxs": 19,
    "iq2_xs": 20,
    "iq2_s": 28,
    "iq2_m": 29,
    "iq3_xxs": 23,
    "iq3_xs": 22,
    "iq3_s": 26,
    "iq3_m": 27,
    "iq4_nl": 25,
    "iq4_xs": 30,
}
_NEEDS_IMPORTANCE = frozenset({"iq2_xxs", "iq2_xs", "iq2_s", "iq2_m", "iq3_xxs"})
_FULL = frozenset({"f32", "f16", "bf16"})
HEAD, EMBEDDING = "output.weight", "token_embd.weight"


@dataclass(frozen=True, slots=True)
class Recipe:
    """Number formats. ``mixture`` is one of llama.cpp's, such as ``q4_k_m``.

    ``head`` is the format of the head, and so of a tied embedding; None: as the mixture has it.
    ``overrides`` are pairs of a regular expression for tensor names and a format; the first that is found
    holds. ``requantize`` takes weights that are quantised already, which loses more.
    """

    mixture: str
    head: str | None = None
    overrides: tuple[tuple[str, str], ...] = ()
    requantize: bool = False

    def check(self, header: Header, *, has_importance: bool) -> None:
        """Raise Refused where ``header``'s file cannot be quantised so."""
        if self.mixture not in MIXTURES:
            raise Refused(f"{self.mixture!r} is no mixture; known are {', '.join(MIXTURES)}")
        if self.mixture in _NEEDS_IMPORTANCE and not has_importance:
            raise Refused(f"{self.mixture} is garbage without an importance matrix; give --prompts FILE")
        quantised = sorted({tensor.type for tensor in header.tensors} - _FULL)
        if quantised and not self.requantize:
            raise Refused(
                f"the weights are {', '.join(quantised)} already, and would lose twice; take the f16 or f32 "
                "original, or say --requantize"
            )
        if self.head is not None:
            number_of(self.head)
            _check_width(head_of(header), self.head)
        for pattern, type_name in self.overrides:
            number_of(type_name)
            _check_pattern(pattern, header.tensors)

    @property
    def label(self) -> str:
        """A short name for tables: ``q4_0 + q8_0 head``."""
        parts = [self.mixture, *([f"{self.head} head"] if self.head else [])]
        return " + ".join([*parts, *(f"{pattern}={name}" for pattern, name in self.overrides)])


def number_of(type_name: str) -> int:
    """Number of a ggml format by its name, such as ``q8_0``; raises Refused where there is none."""
    from gguf import GGMLQuantizationType

    try:
        return int(GGMLQuantizationType[type_name.upper()])
    except KeyError:
        raise Refused(
            f"{type_name!r} is no number format of a tensor; such are f16, q8_0, q6_k, q5_k, q4_k, q4_0"
        ) from None


def block_length(type_name: str) -> int:
    """How many weights of a row make a block in this format; rows must be whole blocks."""
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

    length, _ = GGML_QUANT_SIZES[GGMLQuantizationType[type_name.upper()]]
    return int(length)


def head_of(header: Header) -> Tensor:
    """The tensor that turns the last state into logits: the head, or the embedding where they are tied."""
    named = {tensor.name: tensor for tensor in header.tensors}
    found = named.get(HEAD) or named.get(EMBEDDING)
    if found is None:
        raise Refused("the file has neither output.weight nor token_embd.weight; it is not a language model")
    return found


def overrides_from(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Read ``regex=type`` as given on a command line."""
    for word in words:
        pattern, equals, type_name = word.rpartition("=")
        if not equals or not pattern:
            raise Refused(f"{word!r} is not of the form 'regex=type', such as 'attn_v=q8_0'")
        yield pattern, type_name.lower()


def _check_width(tensor: Tensor, type_name: str) -> None:
    width, block = tensor.shape[0], block_length(type_name)
    if width % block:
        raise Refused(f"{tensor.name} has rows of {width}, and {type_name} needs a multiple of {block}")


def _check_pattern(pattern: str, tensors: Sequence[Tensor]) -> None:
    try:
        found = any(re.search(pattern, tensor.name) for tensor in tensors)
    except re.error as exc:
        raise Refused(f"{pattern!r} is not a regular expression: {exc}") from exc
    if not found:
        raise Refused(f"no tensor has a name like {pattern!r}; names are as {tensors[-1].name}")
