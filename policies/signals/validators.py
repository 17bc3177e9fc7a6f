"""Proofs that an answer is wrong: it breaks the form that the prompt asked for.

Says nothing where no form was asked for, where the answer calls tools instead, or where checking could take
longer than an answer is worth. Reads no file and follows no reference out of the schema.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NoReturn

from jsonschema.protocols import Validator
from jsonschema.validators import validator_for
from referencing import Registry

from backends.types import JsonSchemaFormat, RegexFormat
from policies.signals.base import Answer
from policies.signals.metered_schema import is_valid, metered
from policies.signals.pattern_cost import worst_step_count

TEXT_LIMIT = 1_000_000
"""Characters of JSON that are checked; a longer answer is left unmeasured."""
REGEX_TEXT_LIMIT = 10_000
"""Characters that a pattern is run over."""
REGEX_STEP_LIMIT = 20_000_000
"""Steps of Python's engine that a pattern may come to at worst, 0.2 s: it cannot be stopped once it runs."""


class JsonSchemaValid:
    """``json_schema_valid``: 1 where the answer is one JSON value that the schema accepts, else 0."""

    name = "json_schema"
    cost_us = 100.0
    refutes = True

    def measure(self, answer: Answer) -> Mapping[str, float]:
        """Nothing unless a JSON Schema was asked for that can be applied, and in time; nor of calls."""
        wanted = answer.prompt.response_format
        if not isinstance(wanted, JsonSchemaFormat) or len(answer.text) > TEXT_LIMIT or answer.tool_calls:
            return {}
        try:
            validator = compiled(json.dumps(wanted.schema, sort_keys=True))
        except Exception:  # noqa: BLE001  a schema can be wrong in as many ways as its library has
            return {}
        try:
            value = json.loads(answer.text, parse_constant=refuse_constant)
        except (ValueError, RecursionError):
            return {"json_schema_valid": 0.0}
        try:
            return {"json_schema_valid": float(is_valid(validator, value))}
        except Exception:  # noqa: BLE001  the same, and references to what is no schema, and the meter
            return {}


class RegexValid:
    """``regex_valid``: 1 where the pattern matches the whole answer, else 0."""

    name = "regex"
    cost_us = 20.0
    refutes = True

    def measure(self, answer: Answer) -> Mapping[str, float]:
        """Nothing unless a pattern was asked for that can be applied, and in time; nor of calls."""
        wanted = answer.prompt.response_format
        is_call = bool(answer.tool_calls)
        if not isinstance(wanted, RegexFormat) or len(answer.text) > REGEX_TEXT_LIMIT or is_call:
            return {}
        try:
            if worst_step_count(wanted.pattern, len(answer.text)) > REGEX_STEP_LIMIT:
                return {}
            return {"regex_valid": float(re.fullmatch(wanted.pattern, answer.text) is not None)}
        except (re.error, RecursionError, OverflowError):
            return {}


@lru_cache(maxsize=256)
def compiled(schema_json: str) -> Validator:
    """Return a metered validator that resolves references within the schema only; no network."""
    schema: Any = json.loads(schema_json)
    kind = validator_for(schema)
    kind.check_schema(schema)
    return metered(kind, schema, Registry())


def refuse_constant(constant: str) -> NoReturn:
    """Refuse what Python reads as JSON and JSON does not have, such as NaN."""
    raise ValueError(f"{constant} is not JSON")
