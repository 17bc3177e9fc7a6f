"""The rules of a response format in the words of llguidance."""

from __future__ import annotations

from dataclasses import dataclass

from llguidance import LLMatcher

from backends.llamacpp.engine.constraint.json_schema import schema_text
from backends.llamacpp.engine.constraint.lark import lark_of
from backends.llamacpp.engine.constraint.pattern import rust_pattern
from backends.types import GrammarFormat, JsonSchemaFormat, RegexFormat, ResponseFormat

# What a schema may weigh: the stack that compiles it is bounded.
_MAX_BYTE_COUNT = 65_536
# Gaps as llama.cpp's own JSON grammar has them: models write as they like, but not blanks for ever.
_JSON_OPTIONS = {"whitespace_pattern": r" |\n{1,2}[ \t]{0,20}", "lenient": True}


@dataclass(frozen=True, slots=True)
class Rules:
    """A grammar for llguidance, and the parts of the form that it leaves to whoever checks the answer."""

    text: str
    left_out: tuple[str, ...] = ()


def rules_of(form: ResponseFormat) -> Rules:
    """Write the rules of ``form``; raises ValueError that says what cannot be expressed."""
    match form:
        case JsonSchemaFormat(schema):
            text, left_out = schema_text(schema)
            _check_size(text)
            return Rules(LLMatcher.grammar_from_json_schema(text, overrides=_JSON_OPTIONS), left_out)
        case RegexFormat(pattern):
            _check_size(pattern)
            return Rules(LLMatcher.grammar_from_regex(rust_pattern(pattern)))
        case GrammarFormat(grammar):
            _check_size(grammar)
            return Rules(LLMatcher.grammar_from_lark(lark_of(grammar)))


def _check_size(text: str) -> None:
    if len(text) > _MAX_BYTE_COUNT:
        raise ValueError(f"it has {len(text)} characters; at most {_MAX_BYTE_COUNT} are taken")
