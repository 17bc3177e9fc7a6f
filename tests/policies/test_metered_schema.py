"""Checking an answer against a hostile schema ends, and meters change no verdict."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema.validators import Draft7Validator, Draft202012Validator
from referencing import Registry

from backends.types import JsonSchemaFormat, Prompt
from policies.signals.base import Answer
from policies.signals.metered_schema import is_valid, metered
from policies.signals.validators import JsonSchemaValid


def measured(schema: dict[str, Any], text: str) -> dict[str, float]:
    prompt = Prompt((), response_format=JsonSchemaFormat(schema))
    return dict(JsonSchemaValid().measure(Answer(prompt, text)))


def doubling(keyword: str, depth: int) -> dict[str, Any]:
    """A schema whose definitions each apply the next one twice."""
    chain = {str(i): {keyword: [{"$ref": f"#/$defs/{i + 1}"}] * 2} for i in range(depth)}
    return {"$defs": {**chain, str(depth): {"type": "integer"}}, "$ref": "#/$defs/0"}


HOSTILE: list[tuple[dict[str, Any], str]] = [
    (doubling("allOf", 100), "1"),
    (doubling("anyOf", 100), '"x"'),
    ({"$schema": "https://json-schema.org/draft/2020-12/schema", **doubling("allOf", 100)}, "1"),
    ({"pattern": "^(a|a)*$"}, json.dumps("a" * 60 + "b")),
    ({"patternProperties": {"^(a|a)*$": {}}}, json.dumps({"a" * 60 + "b": 1})),
    ({"patternProperties": {"^(a|a)*$": {}}, "additionalProperties": False}, json.dumps({"a" * 60 + "b": 1})),
    ({"uniqueItems": True}, json.dumps([{"x": i} for i in range(20_000)])),
    ({"items": {"enum": list(range(4_000))}}, json.dumps([9_999] * 4_000)),
    ({"items": {"$ref": "#"}}, "[" * 900 + "]" * 900),
]


@pytest.mark.parametrize(("schema", "text"), HOSTILE, ids=range(len(HOSTILE)))
def test_endless_work_is_left_unmeasured(schema: dict[str, Any], text: str) -> None:
    """The check gives up after so many steps, and says nothing; that it returns is the test."""
    assert measured(schema, text).get("json_schema_valid") != 1.0


def test_a_large_honest_answer_is_measured() -> None:
    """500 records of ten fields are within the steps."""
    fields = {name: {"type": "integer", "minimum": 0} for name in "abcdefghij"}
    schema = {"items": {"type": "object", "required": ["a"], "properties": fields}}
    assert measured(schema, json.dumps([dict.fromkeys("abcdefghij", 1)] * 500)) == {"json_schema_valid": 1.0}


def test_the_top_may_name_its_dialect() -> None:
    """An older draft's words mean what they meant there, also through references to the top."""
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "items": [{"type": "string"}, {"$ref": "#"}],
    }
    assert measured(schema, '["x", ["y"]]') == {"json_schema_valid": 1.0}
    assert measured(schema, '["x", [1]]') == {"json_schema_valid": 0.0}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "a", "ab"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=6,
)
SCHEMAS = st.recursive(
    st.sampled_from(
        [
            {},
            {"type": "integer"},
            {"enum": [0, "a"]},
            {"minLength": 1},
            {"uniqueItems": True},
            {"pattern": "b"},
        ]
    ),
    lambda inner: st.one_of(
        st.fixed_dictionaries(
            {"properties": st.fixed_dictionaries({"a": inner}), "required": st.just(["a"])}
        ),
        st.fixed_dictionaries({"items": inner}),
        st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=2), "not": inner}),
        st.fixed_dictionaries({"patternProperties": st.fixed_dictionaries({"^b": inner})}),
    ),
    max_leaves=4,
)


@given(SCHEMAS, VALUES)
def test_meters_change_no_verdict(schema: dict[str, Any], value: Any) -> None:
    """What is measured is what the library's own validator says."""
    for kind in (Draft7Validator, Draft202012Validator):
        assert is_valid(metered(kind, schema, Registry()), value) == kind(schema).is_valid(value)
