"""Forms that clients ask for: schemas, patterns and grammars, as the edge and the tier read them."""

from __future__ import annotations

import json

from google.protobuf.json_format import ParseError
from upshift.v1 import types_pb2

from backends.llamacpp.engine.constraint.json_schema import schema_text
from backends.llamacpp.engine.constraint.lark import lark_of
from backends.llamacpp.engine.constraint.pattern import rust_pattern
from backends.types import GrammarFormat, JsonSchemaFormat, Message, Prompt, RegexFormat, ResponseFormat, Role
from policies.signals.base import Answer
from policies.signals.validators import JsonSchemaValid, RegexValid
from router.rpc.formats import core_format, format_violations
from tests.fuzz.target import Target


def _split(data: bytes) -> tuple[str, str]:
    """A form, and behind a zero byte an answer to hold against it."""
    form, _, answer = data.decode(errors="replace").partition("\0")
    return form, answer


def _taken(form: types_pb2.ResponseFormat) -> ResponseFormat | None:
    """What the edge makes of a form; None where it refuses it."""
    return None if list(format_violations(form)) else core_format(form)


def _schema(data: bytes) -> None:
    """What the edge takes can be written down for the tier, and answers can be held against it."""
    text, said = _split(data)
    asked = types_pb2.ResponseFormat()
    schema = json.loads(text)
    if not isinstance(schema, dict):
        return
    asked.json_schema.schema.update(schema)
    form = _taken(asked)
    if isinstance(form, JsonSchemaFormat):
        schema_text(form.schema)
        measured = JsonSchemaValid().measure(_answer(form, said))
        assert set(measured.values()) <= {0.0, 1.0}


def _pattern(data: bytes) -> None:
    pattern, said = _split(data)
    form = _taken(types_pb2.ResponseFormat(regex=types_pb2.RegexFormat(pattern=pattern)))
    if isinstance(form, RegexFormat):
        assert set(RegexValid().measure(_answer(form, said)).values()) <= {0.0, 1.0}
        rust_pattern(form.pattern)


def _grammar(data: bytes) -> None:
    grammar, _ = _split(data)
    form = _taken(types_pb2.ResponseFormat(grammar=types_pb2.GrammarFormat(grammar=grammar)))
    if isinstance(form, GrammarFormat):
        lark_of(form.grammar)


def _answer(form: ResponseFormat, said: str) -> Answer:
    return Answer(Prompt((Message(Role.USER, "hi"),), response_format=form), said)


_KEYWORDS = (
    b'"type":"object"~"properties":~"$ref":"#/$defs/a"~"$defs":~"pattern":"~"enum":[~"allOf":[~'
    b'"not":~"patternProperties":~"required":[~"minimum":~"multipleOf":~"items":~'
    b'"uniqueItems":true~\x00'
)

TARGETS = (
    # What Python's json and a Struct refuse never comes over the wire.
    Target("schema", _schema, (ValueError, RecursionError, ParseError), _KEYWORDS),
    Target(
        "pattern",
        _pattern,
        (ValueError,),
        b"(?:~{1,~}~[^~\\d~(?=~\\1~(?P<a>~\x00~(?i)",
    ),
    Target(
        "grammar",
        _grammar,
        (ValueError,),
        b'root ::= ~"a"~[a-z]~{2,}~|~\n~x ::= ~\\x41~#',
    ),
)
