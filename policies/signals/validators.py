"""Proofs that an answer is wrong: it breaks the form that the prompt asked for.

Says nothing where no form was asked for, or where checking could take longer than an answer is
worth. Reads no file and follows no reference out of the schema.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NoReturn

from jsonschema.exceptions import SchemaError
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable

from backends.types import JsonSchemaFormat, RegexFormat
from policies.signals.base import Answer

TEXT_LIMIT = 1_000_000
"""Characters of JSON that are checked; a longer answer is left unmeasured."""
REGEX_TEXT_LIMIT = 10_000
"""Characters that a pattern is run over: Python's engine cannot be stopped once it backtracks."""

_NESTED_REPEAT = re.compile(r"\((?:[^()\\]|\\.)*[*+}](?:[^()\\]|\\.)*\)[*+{]")


class JsonSchemaValid:
    """``json_schema_valid``: 1 where the answer is one JSON value that the schema accepts, else 0."""

    name = "json_schema"

    def measure(self, answer: Answer) -> Mapping[str, float]:
        """Nothing unless a JSON Schema was asked for, and nothing for a schema that is itself broken."""
        wanted = answer.prompt.response_format
        if not isinstance(wanted, JsonSchemaFormat) or len(answer.text) > TEXT_LIMIT:
            return {}
        try:
            validator = _compiled(json.dumps(wanted.schema, sort_keys=True))
        except (SchemaError, TypeError, ValueError, RecursionError):
            return {}
        try:
            value = json.loads(answer.text, parse_constant=_refuse)
        except (ValueError, RecursionError):
            return {"json_schema_valid": 0.0}
        try:
            return {"json_schema_valid": float(validator.is_valid(value))}
        except (Unresolvable, RecursionError, ArithmeticError, re.error):
            return {}


class RegexValid:
    """``regex_valid``: 1 where the pattern matches the whole answer, else 0."""

    name = "regex"

    def measure(self, answer: Answer) -> Mapping[str, float]:
        """Nothing unless a pattern was asked for, and nothing for a broken or risky one."""
        wanted = answer.prompt.response_format
        if not isinstance(wanted, RegexFormat) or len(answer.text) > REGEX_TEXT_LIMIT:
            return {}
        if repeats_within_repeat(wanted.pattern):
            return {}
        try:
            return {"regex_valid": float(re.fullmatch(wanted.pattern, answer.text) is not None)}
        except (re.error, RecursionError, OverflowError):
            return {}


def repeats_within_repeat(pattern: str) -> bool:
    """Whether ``pattern`` repeats a group that holds a repeat, as in ``(a+)+``.

    Such a pattern can take time exponential in the answer's length. A textual check: it may
    refuse a harmless pattern, and does not find every slow one.
    """
    return _NESTED_REPEAT.search(pattern) is not None


@lru_cache(maxsize=256)
def _compiled(schema_json: str) -> Validator:
    """Return a validator that resolves references within the schema only; no network."""
    schema: Any = json.loads(schema_json)
    kind = validator_for(schema)
    kind.check_schema(schema)
    return kind(schema, registry=Registry())


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
