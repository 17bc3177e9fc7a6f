"""The form that an answer must have: read from the wire, and refused where no answer could meet it.

Decides which JSON Schemas and patterns are taken: of a bounded size and depth, valid in their own
language, and complete in themselves; nothing is ever fetched. Refuses to know how they are enforced.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from google.protobuf.struct_pb2 import Struct, Value
from jsonschema import validators
from jsonschema.exceptions import SchemaError
from jsonschema.validators import Draft202012Validator, validator_for
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012, EMPTY_REGISTRY
from upshift.v1 import types_pb2

from backends.types import GrammarFormat, JsonSchemaFormat, RegexFormat, ResponseFormat
from policies.signals.metered_schema import objects
from router.errors import Violation
from router.rpc.schema_work import REFERRING, TOO_MANY_WAYS, endless_work, is_slow

# A schema is checked once while it is cached, on the loop: 2 to 7 ms a kilobyte (on a busy core).
MAX_SCHEMA_BYTE_COUNT = 16_384
MAX_SCHEMA_DEPTH = 32
MAX_PATTERN_LENGTH = 1_024
MAX_GRAMMAR_BYTE_COUNT = 16_384
# As many as the tools of a few agents.
_CACHED_FORMAT_COUNT = 256
_DIALECT = Draft202012Validator.META_SCHEMA["$id"]
_UnknownDialect = validators.create(meta_schema={})


class _UnfitError(Exception):
    """A format that is refused, with its stable reason."""

    def __init__(self, reason: str, description: str) -> None:
        super().__init__(description)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class _Checked:
    """A schema as plain values, and why it is refused (None: it is taken)."""

    schema: Mapping[str, Any]
    problem: _UnfitError | None = None


def format_violations(form: types_pb2.ResponseFormat) -> Iterator[Violation]:
    """Say what is wrong with ``form``: nothing, or one thing."""
    kind = form.WhichOneof("format")
    if kind == "json_schema":
        path, problem = "json_schema.schema", _checked(_key(form.json_schema.schema)).problem
    elif kind == "regex":
        path, problem = "regex.pattern", _pattern_problem(form.regex.pattern)
    elif kind == "grammar":
        path, problem = "grammar.grammar", _grammar_problem(form.grammar.grammar)
    else:
        return
    if problem is not None:
        yield Violation(f"prompt.response_format.{path}", problem.reason, str(problem))


def core_format(form: types_pb2.ResponseFormat) -> ResponseFormat | None:
    """Translate a ``form`` that has no violations; None: free text."""
    kind = form.WhichOneof("format")
    if kind == "json_schema":
        return JsonSchemaFormat(_checked(_key(form.json_schema.schema)).schema)
    if kind == "grammar":
        return GrammarFormat(form.grammar.grammar)
    return RegexFormat(form.regex.pattern) if kind == "regex" else None


def schema_violation(schema: Struct, path: str) -> Violation | None:
    """Say what is wrong with the ``schema`` at ``path``, by the rules of an answer's; None: nothing."""
    problem = _checked(_key(schema)).problem
    return None if problem is None else Violation(path, problem.reason, str(problem))


def core_schema(schema: Struct) -> Mapping[str, Any]:
    """Translate a ``schema`` that has no violation."""
    return _checked(_key(schema)).schema


def _grammar_problem(grammar: str) -> _UnfitError | None:
    """Only its size: the language is the tier's, which refuses what it cannot read."""
    byte_count = len(grammar.encode())
    if 0 < byte_count <= MAX_GRAMMAR_BYTE_COUNT:
        return None
    said = f"has {byte_count} bytes; it must have 1 to {MAX_GRAMMAR_BYTE_COUNT}"
    return _UnfitError("GRAMMAR_LENGTH_INVALID", said)


@lru_cache(_CACHED_FORMAT_COUNT)
def _pattern_problem(pattern: str) -> _UnfitError | None:
    if len(pattern) > MAX_PATTERN_LENGTH:
        said = f"has {len(pattern)} characters; at most {MAX_PATTERN_LENGTH} are taken"
        return _UnfitError("REGEX_TOO_LONG", said)
    try:
        with warnings.catch_warnings(action="ignore"):
            re.compile(pattern)
            slow = is_slow(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        said = error.msg if isinstance(error, re.error) else "it nests too deeply or repeats too often"
        return _UnfitError("REGEX_INVALID", f"is no pattern of Python's re: {said}")
    return _UnfitError("REGEX_TOO_COMPLEX", TOO_MANY_WAYS) if slow else None


def _key(schema: Struct) -> bytes:
    return schema.SerializeToString(deterministic=True)


@lru_cache(_CACHED_FORMAT_COUNT)
def _checked(serialized: bytes) -> _Checked:
    try:
        if len(serialized) > MAX_SCHEMA_BYTE_COUNT:
            said = f"has {len(serialized)} bytes; at most {MAX_SCHEMA_BYTE_COUNT} are taken"
            raise _UnfitError("SCHEMA_TOO_LARGE", said)
        schema = _mapping(Struct.FromString(serialized), 1)
        _check_language(schema)
        _check_references(schema)
        if (problem := endless_work(schema)) is not None:
            raise _UnfitError("SCHEMA_TOO_COMPLEX", problem)
    except _UnfitError as problem:
        return _Checked({}, problem)
    return _Checked(schema)


def _mapping(struct: Struct, depth: int) -> dict[str, Any]:
    """Turn a Struct into a dict.

    A Struct keeps no order, but models write properties in the order of the schema: those that are
    required go first, in the order of ``required``, the others by name.
    """
    if depth > MAX_SCHEMA_DEPTH:
        raise _UnfitError("SCHEMA_TOO_DEEP", f"nests deeper than {MAX_SCHEMA_DEPTH} levels")
    plain = {key: _plain(struct.fields[key], depth) for key in sorted(struct.fields)}
    properties, required = plain.get("properties"), plain.get("required")
    if isinstance(properties, dict) and isinstance(required, list):
        first = [name for name in required if isinstance(name, str) and name in properties]
        plain["properties"] = {name: properties[name] for name in (*first, *properties)}
    return plain


def _plain(value: Value, depth: int) -> Any:
    match value.WhichOneof("kind"):
        case "struct_value":
            return _mapping(value.struct_value, depth + 1)
        case "list_value":
            if depth >= MAX_SCHEMA_DEPTH:
                raise _UnfitError("SCHEMA_TOO_DEEP", f"nests deeper than {MAX_SCHEMA_DEPTH} levels")
            return [_plain(item, depth + 1) for item in value.list_value.values]
        case "number_value":
            return _number(value.number_value)
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
    return None


def _number(number: float) -> int | float:
    """Give back the integers that a Struct turned into floats."""
    if not math.isfinite(number):
        raise _UnfitError("SCHEMA_INVALID", f"holds the number {number}, which JSON does not have")
    return int(number) if number.is_integer() else number


def _check_language(schema: dict[str, Any]) -> None:
    dialect = str(schema.get("$schema", _DIALECT))
    try:
        validator = validator_for({"$schema": dialect}, default=_UnknownDialect)
    except ValueError:
        validator = _UnknownDialect
    if validator is _UnknownDialect:
        said = f"names the dialect {dialect[:80]!r}, which is not known; leave it out for {_DIALECT}"
        raise _UnfitError("SCHEMA_INVALID", said)
    if any(isinstance(part.get("$schema"), str) for part in objects(schema) if part is not schema):
        said = "names a dialect within one of its parts; only the top may"
        raise _UnfitError("SCHEMA_INVALID", said)
    try:
        validator.check_schema(schema)
    except SchemaError as error:
        where = "/".join(str(part) for part in error.absolute_path) or "the top"
        said = f"breaks the rules of JSON Schema for {str(error.validator)!r} at {where}"
        raise _UnfitError("SCHEMA_INVALID", said) from None


def _check_references(schema: Mapping[str, Any]) -> None:
    resolver = EMPTY_REGISTRY.resolver_with_root(DRAFT202012.create_resource(schema))
    for reference in _references(schema):
        if not reference.startswith("#"):
            said = f"refers to {reference[:80]!r}; only references within the schema (#...) are followed"
            raise _UnfitError("SCHEMA_REFERENCE_NOT_LOCAL", said)
        try:
            is_schema = isinstance(resolver.lookup(reference).contents, dict | bool)
        except (Unresolvable, ValueError, TypeError):
            is_schema = False
        if not is_schema:
            said = f"refers to {reference[:80]!r}, which it does not define"
            raise _UnfitError("SCHEMA_INVALID", said)


def _references(schema: Any) -> Iterator[str]:
    for part in objects(schema):
        for key in REFERRING:
            if isinstance(reference := part.get(key), str):
                yield reference
