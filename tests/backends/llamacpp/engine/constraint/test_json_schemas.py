"""JSON Schemas hold while an answer is written, with the bounds that llama.cpp's own converter drops."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.types import JsonSchemaFormat
from tests.backends.llamacpp.engine.constraint.spelling import Speller

NODE: Mapping[str, Any] = {
    "$ref": "#/$defs/node",
    "$defs": {
        "node": {
            "type": "object",
            "properties": {
                "value": {"type": "integer", "minimum": 0, "maximum": 9},
                "next": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/node"}]},
            },
            "required": ["value", "next"],
            "additionalProperties": False,
        }
    },
}
# A schema, some of its values, and some that break one bound each.
BOUNDS: list[tuple[Mapping[str, Any], list[Any], list[Any]]] = [
    ({"type": "integer", "minimum": 17, "maximum": 230}, [17, 99, 230], [16, 231, 9, 1000, -17, 17.5]),
    ({"type": "integer", "exclusiveMinimum": -5, "exclusiveMaximum": 3}, [-4, 0, 2], [-5, 3, -6]),
    ({"type": "number", "minimum": 0.25, "maximum": 1.75}, [0.25, 1, 1.749], [0.2, 1.76, -1, 2]),
    ({"type": "number", "exclusiveMaximum": 0}, [-0.5, -12], [0, 0.5, 3]),
    ({"type": "integer", "multipleOf": 7, "minimum": 0, "maximum": 100}, [0, 49, 98], [48, 105]),
    ({"type": "string", "minLength": 3, "maxLength": 5}, ["abc", "äöüßé"], ["ab", "abcdef", ""]),
    ({"type": "string", "pattern": "^[a-c]{2,4}-\\d+$"}, ["ab-1", "abca-42"], ["a-1", "ab-", "xab-1"]),
    ({"type": "string", "pattern": "b"}, ["b", "abc"], ["", "ac"]),
    ({"type": "string", "format": "date"}, ["2024-02-29"], ["2024-13-01", "24-01-01", "today"]),
    (
        {"type": "array", "items": {"type": "boolean"}, "minItems": 2, "maxItems": 3},
        [[True, False]],
        [[True], [1, 2]],
    ),
    ({"type": "array", "prefixItems": [{"type": "integer"}], "items": False}, [[1], []], [["a"], [1, 2]]),
    ({"enum": ["new", 1, None, {"x": [1]}]}, ["new", 1, None, {"x": [1]}], ["old", 2, {"x": []}]),
    ({"const": {"a": 1}}, [{"a": 1}], [{"a": 2}, {}]),
    (
        {"type": "object", "properties": {"a": {"type": "integer"}, "b": {}}, "required": ["a"]},
        [{"a": 1}, {"a": 1, "b": "x"}, {"a": 1, "c": []}],
        [{}, {"b": 1}, {"a": "1"}],
    ),
    (
        {"type": "object", "properties": {"a": {"type": "null"}}, "additionalProperties": False},
        [{}, {"a": None}],
        [{"b": None}, {"a": None, "b": 1}],
    ),
    (
        {
            "type": "object",
            "additionalProperties": {"type": "integer"},
            "minProperties": 1,
            "maxProperties": 2,
        },
        [{"x": 1}, {"x": 1, "y": 2}],
        [{}, {"x": "1"}, {"x": 1, "y": 2, "z": 3}],
    ),
    ({"anyOf": [{"type": "integer"}, {"type": "string", "maxLength": 2}]}, [12, "ab"], ["abc", None]),
    ({"allOf": [{"type": "integer", "minimum": 3}, {"maximum": 9}]}, [3, 9], [2, 10]),
    ({"type": ["integer", "null"]}, [1, None], ["1", True]),
    (NODE, [{"value": 1, "next": {"value": 9, "next": None}}], [{"value": 10, "next": None}, {"value": 1}]),
]


@pytest.mark.parametrize(("schema", "right", "wrong"), BOUNDS, ids=lambda part: None)
def test_bounds(spell: Speller, schema: Mapping[str, Any], right: list[Any], wrong: list[Any]) -> None:
    """What just keeps to a bound can be written, and what just breaks it cannot."""
    form = JsonSchemaFormat(schema)
    checker = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    for value in right:
        assert checker.is_valid(value)
        assert spell.takes(form, json.dumps(value, ensure_ascii=False)), value
    for value in wrong:
        assert not checker.is_valid(value)
        assert not spell.takes(form, json.dumps(value, ensure_ascii=False)), value


@pytest.mark.parametrize(("schema", "right", "wrong"), BOUNDS, ids=lambda part: None)
def test_whatever_is_written_is_valid(
    spell: Speller, schema: Mapping[str, Any], right: list[Any], wrong: list[Any]
) -> None:
    """Drawn by chance, token by token, to the end."""
    checker = jsonschema.Draft202012Validator(schema)
    ended = [spell.wander(JsonSchemaFormat(schema), seed) for seed in range(8)]
    for text in ended:
        if text is not None:
            checker.validate(json.loads(text, strict=False))
    assert any(text is not None for text in ended)


def _object(required: list[str], properties: dict[str, Any], *, closed: bool) -> dict[str, Any]:
    names = [name for name in required if name in properties]
    base = {"type": "object", "properties": properties, "required": sorted(set(names))}
    return base | {"additionalProperties": False} if closed else base


def _bounded(kind: str, low: int, more: int) -> dict[str, Any]:
    least, most = {
        "integer": ("minimum", "maximum"),
        "number": ("minimum", "maximum"),
        "string": ("minLength", "maxLength"),
    }[kind]
    return {"type": kind, least: low, most: low + more}


LEAVES = st.one_of(
    st.builds(
        _bounded, st.sampled_from(["integer", "number", "string"]), st.integers(0, 30), st.integers(0, 300)
    ),
    st.sampled_from([{"type": "boolean"}, {"type": "null"}, {"enum": ["a", 2, None]}, {"const": "é"}]),
)
NAMES = st.sampled_from(["a", "b", "long name", 'quo"ted', "ü"])
SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(
            lambda items, low, more: {
                "type": "array",
                "items": items,
                "minItems": low,
                "maxItems": low + more,
            },
            inner,
            st.integers(0, 2),
            st.integers(0, 2),
        ),
        st.builds(
            _object,
            st.lists(NAMES, max_size=2),
            st.dictionaries(NAMES, inner, max_size=3),
            closed=st.booleans(),
        ),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"anyOf": parts}),
    ),
    max_leaves=5,
)


@given(SCHEMAS, st.integers(0, 1000))
def test_any_schema_holds(spell: Speller, schema: dict[str, Any], seed: int) -> None:
    """Nested as they may be: jsonschema agrees with all that is written."""
    text = spell.wander(JsonSchemaFormat(schema), seed, limit=150)
    if text is not None:
        jsonschema.Draft202012Validator(schema).validate(json.loads(text, strict=False))


VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-50, 400),
        st.text("abé", max_size=4),
        st.sampled_from([0.5, 2.5]),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=5,
)


@given(SCHEMAS, VALUES)
def test_agrees_with_jsonschema(spell: Speller, schema: dict[str, Any], value: Any) -> None:
    """On any value that is written in the order of the schema: what one takes the other takes."""
    value = _in_order(value, schema)
    valid = jsonschema.Draft202012Validator(schema).is_valid(value)
    assert spell.takes(JsonSchemaFormat(schema), json.dumps(value, ensure_ascii=False)) == valid


def _in_order(value: Any, schema: Mapping[str, Any]) -> Any:
    """``value`` with its properties in the order that ``schema`` names them, others behind."""
    if "anyOf" in schema:
        ordered = [_in_order(value, option) for option in schema["anyOf"]]
        fitting = (
            one
            for one, option in zip(ordered, schema["anyOf"], strict=True)
            if jsonschema.Draft202012Validator(option).is_valid(one)
        )
        return next(fitting, value)
    if isinstance(value, list):
        return [_in_order(item, schema.get("items", {})) for item in value]
    if not isinstance(value, dict):
        return value
    known = schema.get("properties", {})
    order = [*(name for name in known if name in value), *(name for name in value if name not in known)]
    return {name: _in_order(value[name], known.get(name, {})) for name in order}


def test_what_cannot_be_enforced_is_left_to_the_checker(spell: Speller) -> None:
    """Leaving out only ever allows more: a valid answer is never kept from being written."""
    schema = {"type": "integer", "not": {"const": 5}}
    assert spell.takes(JsonSchemaFormat(schema), "6")
    assert not spell.takes(JsonSchemaFormat(schema), '"6"')
