"""Formats come out of the wire as they were meant."""

from __future__ import annotations

from typing import Any

from upshift.v1 import types_pb2

from backends.types import JsonSchemaFormat, RegexFormat
from router.rpc.formats import core_format


def read(schema: dict[str, Any]) -> Any:
    form = types_pb2.ResponseFormat()
    form.json_schema.schema.SetInParent()
    form.json_schema.schema.update(schema)
    translated = core_format(form)
    assert isinstance(translated, JsonSchemaFormat)
    return translated.schema


def test_integers_survive_the_struct() -> None:
    """A Struct knows only floats; whole numbers come back as integers."""
    schema = read({"minLength": 3, "enum": [1, 2.5, None, True, "x", [], {}]})
    assert schema == {"minLength": 3, "enum": [1, 2.5, None, True, "x", [], {}]}
    assert isinstance(schema["minLength"], int)


def test_required_properties_come_first_and_in_their_order() -> None:
    """A Struct forgets the order in which a model should write; ``required`` brings it back."""
    properties = {name: {"type": "string"} for name in ("answer", "extra", "because")}
    schema = read({"properties": properties, "required": ["because", "answer", "missing"]})
    assert list(schema["properties"]) == ["because", "answer", "extra"]


def test_an_empty_schema_still_asks_for_json() -> None:
    """``{}`` accepts any JSON value, which is not free text."""
    assert read({}) == {}


def test_no_format_is_free_text() -> None:
    """An unset oneof asks for nothing."""
    assert core_format(types_pb2.ResponseFormat()) is None


def test_a_pattern_is_passed_on_as_it_is() -> None:
    """Patterns are not touched."""
    form = types_pb2.ResponseFormat(regex=types_pb2.RegexFormat(pattern=r"\d+"))
    assert core_format(form) == RegexFormat(r"\d+")
