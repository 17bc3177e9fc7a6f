"""A byte-level BPE tokenizer of transformers in llama.cpp's words: tokens, kinds, merges, special tokens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backends.errors import Refused
from backends.llamacpp.models.convert.pre_tokenizer import pre_tokenizer_name
from backends.llamacpp.models.convert.source import Source

# gguf.TokenType.
_NORMAL, _CONTROL, _USER_DEFINED, _UNUSED = 1, 3, 4, 5
# Keys that GGUF has for tokens that end an answer.
_MAX_END_COUNT = 3
_COMPOSES = (
    "the tokenizer composes letters (Unicode NFC) and llama.cpp does not: text with decomposed accents is "
    "split otherwise, as in every GGUF file of such a model"
)


@dataclass(frozen=True, slots=True)
class TokenizerTables:
    """What goes into the file, and ``notes`` on what does not.

    ``end_ids`` are the tokens that end an answer, the tokenizer's own first.
    """

    pre_tokenizer: str
    tokens: tuple[str, ...]
    kinds: tuple[int, ...]
    merges: tuple[str, ...]
    beginning_id: int | None
    end_ids: tuple[int, ...]
    padding_id: int | None
    adds_beginning: bool
    adds_end: bool
    chat_template: str | None
    notes: tuple[str, ...]

    @classmethod
    def of(cls, source: Source, row_count: int) -> TokenizerTables:
        """Read the tokenizer of ``source`` for an embedding table of ``row_count`` rows.

        Raises Refused where llama.cpp would split texts in another way.
        """
        try:
            return cls._of(source, row_count)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as exc:
            what = f"{type(exc).__name__}: {exc}"
            raise Refused(
                f"tokenizer.json of {source.folder} lacks a part or has a wrong one ({what})"
            ) from exc

    @classmethod
    def _of(cls, source: Source, row_count: int) -> TokenizerTables:
        model = _byte_level_bpe(source.tokenizer)
        added = {int(each["id"]): each for each in source.tokenizer.get("added_tokens", [])}
        tokens = {int(token): str(text) for text, token in model["vocab"].items()}
        tokens |= {token: str(each["content"]) for token, each in added.items()}
        if max(tokens) >= row_count:
            raise Refused(f"the tokenizer has a token {max(tokens)}, the embedding only {row_count} rows")
        ids = {text: token for token, text in tokens.items()}
        special = _special_ids(source, ids)
        first, last = _surroundings(source.tokenizer.get("post_processor"))
        if first not in {None, special["bos"]} or last not in {None, special["eos"]}:
            raise Refused("the tokenizer puts other tokens around a text than its first and last one")
        return cls(
            pre_tokenizer=pre_tokenizer_name(source.tokenizer),
            tokens=tuple(tokens.get(token, f"[PAD{token}]") for token in range(row_count)),
            kinds=tuple(_kind(token, tokens, added) for token in range(row_count)),
            merges=tuple(_merge(merge) for merge in model["merges"]),
            beginning_id=special["bos"],
            end_ids=_end_ids(source, special["eos"]),
            padding_id=special["pad"],
            adds_beginning=first is not None,
            adds_end=last is not None,
            chat_template=source.chat_template,
            notes=(_COMPOSES,) if source.tokenizer.get("normalizer") else (),
        )

    def describe(self, writer: Any) -> None:
        """Write the metadata to a ``gguf.GGUFWriter``."""
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre(self.pre_tokenizer)
        writer.add_token_list(list(self.tokens))
        writer.add_token_types(list(self.kinds))
        writer.add_token_merges(list(self.merges))
        # Without one llama.cpp takes token 11, whatever that is.
        writer.add_bos_token_id(self.end_ids[0] if self.beginning_id is None else self.beginning_id)
        setters = (writer.add_eos_token_id, writer.add_eot_token_id, writer.add_eom_token_id)
        for set_end, token in zip(setters, self.end_ids, strict=False):
            set_end(token)
        if self.padding_id is not None:
            writer.add_pad_token_id(self.padding_id)
        writer.add_add_bos_token(self.adds_beginning)
        writer.add_add_eos_token(self.adds_end)
        if self.chat_template:
            writer.add_chat_template(self.chat_template)


def _byte_level_bpe(tokenizer: Mapping[str, Any]) -> Mapping[str, Any]:
    model: Mapping[str, Any] = tokenizer.get("model", {})
    normalizer = (tokenizer.get("normalizer") or {}).get("type")
    wrong = {
        f"its model is {model.get('type')!r}, not 'BPE'": model.get("type") != "BPE",
        "it falls back to bytes, as SentencePiece does": bool(model.get("byte_fallback")),
        "it marks the ends of words": bool(model.get("continuing_subword_prefix"))
        or bool(model.get("end_of_word_suffix")),
        # NFC changes only texts with letters in pieces, which are rare; it is noted.
        f"it normalises text by {normalizer!r}": normalizer not in {None, "NFC"},
        "it has no tokens": not model.get("vocab"),
    }
    for reason, is_wrong in wrong.items():
        if is_wrong:
            raise Refused(f"only byte-level BPE tokenizers can be converted; of this one: {reason}")
    return model


def _special_ids(source: Source, ids: Mapping[str, int]) -> dict[str, int | None]:
    """Ids of the beginning, end and padding tokens: as the tokenizer says, else as the model does."""
    found: dict[str, int | None] = {}
    for name in ("bos", "eos", "pad"):
        text = source.tokenizer_config.get(f"{name}_token")
        text = text.get("content") if isinstance(text, Mapping) else text
        configured = source.config.get(f"{name}_token_id")
        found[name] = ids.get(text) if isinstance(text, str) else next(_ids(configured), None)
    return found


def _end_ids(source: Source, own: int | None) -> tuple[int, ...]:
    ends = [own] if own is not None else []
    ends += [*_ids(source.generation.get("eos_token_id")), *_ids(source.config.get("eos_token_id"))]
    unique = tuple(dict.fromkeys(ends))
    if not 1 <= len(unique) <= _MAX_END_COUNT:
        raise Refused(f"{len(unique)} tokens end an answer, where a GGUF file can name 1 to {_MAX_END_COUNT}")
    return unique


def _ids(value: object) -> Iterator[int]:
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, int):
            yield each


def _surroundings(processor: Any) -> tuple[int | None, int | None]:
    """Ids that are put before and after a text, as the post-processor's template says."""
    steps = [processor, *((processor or {}).get("processors") or [])]
    template = next((step for step in steps if (step or {}).get("type") == "TemplateProcessing"), None)
    if template is None:
        return None, None
    parts = template["single"]
    middle = ["Sequence" in part for part in parts].index(True)
    return _only_id(template, parts[:middle]), _only_id(template, parts[middle + 1 :])


def _only_id(template: Mapping[str, Any], parts: Sequence[Mapping[str, Any]]) -> int | None:
    if len(parts) > 1:
        raise Refused("the tokenizer puts several tokens before or after a text, which llama.cpp cannot")
    if not parts:
        return None
    return int(template["special_tokens"][parts[0]["SpecialToken"]["id"]]["ids"][0])


def _kind(token: int, tokens: Mapping[int, str], added: Mapping[int, Mapping[str, Any]]) -> int:
    if token in added:
        return _CONTROL if added[token].get("special") else _USER_DEFINED
    return _NORMAL if token in tokens else _UNUSED


def _merge(merge: Any) -> str:
    """Old files hold "a b", new ones ["a", "b"]; byte-level tokens contain no blanks."""
    return merge if isinstance(merge, str) else " ".join(merge)
