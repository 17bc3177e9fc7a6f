"""Which of the pre-tokenizers that llama.cpp knows by name is the one that a tokenizer.json describes.

Decides by the pattern itself, never by the model's name: a pattern that is not here word for word is
refused, for a wrong one makes tokens that the model has never seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from backends.errors import Refused

_CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_TAIL = r"\s*[\r\n]+|\s+(?!\S)|\s+"
_GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
# By pattern and ignore_merges; the patterns that stand in llama.cpp's llama-vocab.cpp.
_NAMES = {
    (_GPT2, False): "gpt-2",
    (
        _CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + _TAIL,
        True,
    ): "llama-bpe",
    (
        _CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + _TAIL,
        False,
    ): "qwen2",
    (
        _CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|" + _TAIL,
        False,
    ): "qwen35",
    ("digits " + _GPT2, False): "smollm",
}


def pre_tokenizer_name(tokenizer: Mapping[str, Any]) -> str:
    """Name a tokenizer.json's pre-tokenizer as llama.cpp does; raises Refused where it has no name there."""
    pattern = _pattern(_flat(tokenizer.get("pre_tokenizer")))
    ignores_merges = bool(tokenizer.get("model", {}).get("ignore_merges"))
    name = None if pattern is None else _NAMES.get((pattern, ignores_merges))
    if name is None:
        raise Refused(
            f"llama.cpp knows no pre-tokenizer that splits at {pattern or 'these steps'!r} with "
            f"ignore_merges {ignores_merges}; only byte-level BPE as in {', '.join(sorted(_NAMES.values()))} "
            "can be converted"
        )
    return name


def _flat(step: Any) -> list[Mapping[str, Any]]:
    if not isinstance(step, Mapping):
        return []
    if step.get("type") == "Sequence":
        return [inner for each in step.get("pretokenizers", []) for inner in _flat(each)]
    return [step]


def _pattern(steps: Sequence[Mapping[str, Any]]) -> str | None:
    """The pattern that the steps split at; None where they do something else."""
    if not steps or steps[-1].get("type") != "ByteLevel" or steps[-1].get("add_prefix_space"):
        return None
    before, uses_own = steps[:-1], bool(steps[-1].get("use_regex", True))
    if uses_own and not before:
        return _GPT2
    if uses_own and len(before) == 1 and _is_digits(before[0]):
        return "digits " + _GPT2
    if not uses_own and len(before) == 1 and _is_split(before[0]):
        pattern = before[0].get("pattern", {}).get("Regex")
        return pattern if isinstance(pattern, str) else None
    return None


def _is_digits(step: Mapping[str, Any]) -> bool:
    return step.get("type") == "Digits" and bool(step.get("individual_digits"))


def _is_split(step: Mapping[str, Any]) -> bool:
    return step.get("type") == "Split" and step.get("behavior") == "Isolated" and not step.get("invert")
