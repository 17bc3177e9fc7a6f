"""From a JSON Schema to llama.cpp's grammar, within bounds.

llama.cpp's converter spells out every repeat and follows every reference as often as it stands
there, and its parser calls itself for every bracket: a length of 20,000 is a stack overflow that
ends the process (measured), doubled references never end. Long lengths are therefore left to
whoever checks the answer afterwards; the rest is refused.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from llama_cpp.llama_grammar import SchemaConverter

from backends.errors import Refused

# llama.cpp's parser takes 1,000 and refuses 2,000.
_MAX_REPEAT_COUNT = 512
# Repeats within repeats: 512 times 512 take llama.cpp minutes a token, it follows all ways at once.
_MAX_NESTED_REPEAT_COUNT = 8_192
# A schema of 16 KB has no more than 2,000 parts of its own.
_MAX_VISIT_COUNT = 4_000
_LENGTHS = ("minLength", "maxLength", "minItems", "maxItems")
_QUANTIFIER = re.compile(r"\{([\d,\s]*)\}")
_BRACKETED = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|\{[^}]*\}", re.DOTALL)
_CLOSING = re.compile(r"[\]}]")
_NUMBER = re.compile(r"\d+")


def grammar_of(schema: Mapping[str, Any]) -> str:
    """Write the grammar of ``schema``; raises Refused where it cannot be expressed."""
    converter = _Converter()
    try:
        # A copy: the converter rewrites references where they stand.
        copy = converter.resolve_refs(json.loads(json.dumps(dict(schema))), "schema")
        converter.visit(copy, "")
        return str(converter.format_grammar())
    except Exception as exc:  # the converter raises whatever an odd schema makes it trip over
        raise Refused(
            f"llama.cpp cannot express this JSON Schema ({type(exc).__name__}); simplify it"
        ) from exc


class _UnfitError(Exception):
    """The converter or the parser would not survive this schema."""


class _Converter(SchemaConverter):  # type: ignore[misc]
    """llama.cpp's own, with bounds."""

    def __init__(self) -> None:
        super().__init__(prop_order={}, allow_fetch=False, dotall=False, raw_pattern=False)
        self._visit_count = 0

    def visit(self, schema: Mapping[str, Any], name: str) -> Any:
        """Make the rule of a part of the schema."""
        self._visit_count += 1
        if self._visit_count > _MAX_VISIT_COUNT:
            raise _UnfitError("it has too many parts")
        return super().visit({key: value for key, value in schema.items() if not _is_long(key, value)}, name)

    def _visit_pattern(self, pattern: str, name: str) -> Any:
        counts = [
            int(count[:9]) for found in _QUANTIFIER.findall(pattern) for count in _NUMBER.findall(found)
        ]
        nested = math.prod(filter(None, counts)) if ")" in pattern else 0
        if max(counts, default=0) > _MAX_REPEAT_COUNT or nested > _MAX_NESTED_REPEAT_COUNT:
            raise _UnfitError("it repeats too often")
        # The converter does not step over a bracket that closes nothing, and never returns.
        if _CLOSING.search(_BRACKETED.sub("", pattern)):
            raise _UnfitError("a bracket closes nothing")
        return super()._visit_pattern(pattern, name)

    def _format_literal(self, literal: str) -> str:
        """Write a JSON text as the grammar does; the converter forgets to escape the backslash."""
        text = json.dumps(json.loads(literal), ensure_ascii=False)
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _is_long(key: str, value: Any) -> bool:
    return key in _LENGTHS and isinstance(value, int) and value > _MAX_REPEAT_COUNT
