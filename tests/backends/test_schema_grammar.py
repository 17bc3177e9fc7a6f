"""Schemas become llama.cpp's grammar within bounds, whoever wrote them."""

from __future__ import annotations

from typing import Any

import pytest

from backends.errors import Refused

pytest.importorskip("llama_cpp")
from backends.llamacpp.schema_grammar import grammar_of


def doubling(depth: int) -> dict[str, Any]:
    """Definitions that each name the next one twice; the underscore keeps the converter from noticing."""
    chain = {f"a_{i}": {"anyOf": [{"$ref": f"#/$defs/a_{i + 1}"}] * 2} for i in range(depth)}
    return {
        "properties": {"x": {"$ref": "#/$defs/a_0"}},
        "$defs": {**chain, f"a_{depth}": {"type": "string"}},
    }


@pytest.mark.parametrize(
    "schema",
    [
        doubling(60),
        {"type": "string", "pattern": "^a{1000000000}$"},
        {"type": "string", "pattern": "^(a{0,512}){0,512}$"},
        {"type": "string", "pattern": "^" + "(" * 5_000 + ")" * 5_000 + "$"},
        {"type": "string", "pattern": "^a]$"},
        {"type": "string", "pattern": "^[\\]]]}$"},
        {"$ref": "https://example.org/schema.json"},
        {"$ref": "#/$defs/nowhere"},
    ],
    ids=["doubling", "long", "nested", "deep", "bracket", "brace", "remote", "nowhere"],
)
def test_a_hostile_schema_is_refused(schema: dict[str, Any]) -> None:
    """Refused at once, where the converter would fill the memory, never return, or go online."""
    with pytest.raises(Refused, match="simplify it"):
        grammar_of(schema)


@pytest.mark.parametrize("keyword", ["minLength", "maxLength", "minItems", "maxItems"])
def test_long_lengths_are_left_out(keyword: str) -> None:
    """They would be spelt out; who checks the answer still sees them."""
    schema = {"items": {"type": "string"}} if "Items" in keyword else {"type": "string"}
    assert grammar_of({**schema, keyword: 10**9}) == grammar_of(schema)


def test_a_property_may_be_called_as_a_length() -> None:
    """Only the keyword is left out."""
    assert '"maxLength' in grammar_of({"properties": {"maxLength": {"type": "integer"}}}).replace("\\", "")


def test_a_constant_stands_as_json_writes_it() -> None:
    """Quotes and backslashes are escaped twice, for JSON and for the grammar; other letters not at all."""
    assert r'''"\"a\\\"b\\\\c\\né\""''' in grammar_of({"enum": ['a"b\\c\né']})


def test_the_schema_is_not_changed() -> None:
    """The converter rewrites references; the answer is checked against the schema as it came."""
    schema = {"properties": {"x": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"type": "string"}}}
    grammar_of(schema)
    assert schema["properties"] == {"x": {"$ref": "#/$defs/a"}}
