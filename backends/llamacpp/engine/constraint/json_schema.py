"""Brings a JSON Schema into the form that llguidance follows best.

What it cannot enforce is left out, so that the model still answers: whoever checks the answer sees
the schema as it came. Leaving out only ever allows more, so every valid answer stays possible.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from itertools import pairwise
from typing import Any

from backends.llamacpp.engine.constraint.pattern import rust_pattern

# Values are data there, whatever they look like.
_DATA = ("const", "enum", "default", "examples")
# Keys are names there, not keywords.
_NAMED = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_LENGTHS = ("minLength", "maxLength", "minItems", "maxItems")
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
# llguidance tells remainders apart while it reads digits: 4,096 of them with bounds are too many for it, and
# those that meet multiply; two of 9,973 and 9,967 never come to an end (measured).
_MAX_REMAINDER_COUNT = 256
# Its counters and its bounds end near 2**32 and 2**63; bounds below 1e-12 it cannot write.
_MAX_LENGTH = 2**31
_MAX_BOUND = 2.0**53
_MIN_BOUND = 1e-12


def schema_text(schema: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """Write ``schema`` as JSON for llguidance, and name the keywords that were left out.

    Raises ValueError that says what in it cannot be expressed.
    """
    writer = _Writer()
    try:
        text = json.dumps(writer.part(schema), allow_nan=False)
    except RecursionError as exc:
        raise ValueError("it nests too deeply") from exc
    return text, tuple(dict.fromkeys(writer.left_out))


class _Writer:
    """Copies one schema, part by part."""

    def __init__(self) -> None:
        self.left_out: list[str] = []
        self._remainder_count = 1

    def part(self, value: Any) -> Any:
        """Copy a schema, or a list of schemas."""
        if isinstance(value, list | tuple):
            return [self.part(item) for item in value]
        if not isinstance(value, Mapping):
            return value
        copy: dict[str, Any] = {}
        for key, inner in value.items():
            if self._can_enforce(key, inner, value):
                copy.update([self._keyword(key, inner)])
            else:
                self.left_out.append(key)
        # A request does not set llguidance's options.
        copy.pop("x-guidance", None)
        return copy

    def _keyword(self, key: str, value: Any) -> tuple[str, Any]:
        if key in _DATA:
            return key, value
        if key == "patternProperties" and isinstance(value, Mapping):
            return key, {_pattern(name): self.part(inner) for name, inner in value.items()}
        if key in _NAMED and isinstance(value, Mapping):
            return key, {name: self.part(inner) for name, inner in value.items()}
        if key == "pattern" and isinstance(value, str):
            return key, _pattern(value)
        if key == "$ref" and isinstance(value, str):
            _check_reference(value)
        return key, self.part(value)

    def _can_enforce(self, key: str, value: Any, schema: Mapping[str, Any]) -> bool:
        if key in ("minProperties", "maxProperties"):
            return _can_count(schema)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return True
        if key in _LENGTHS:
            return value <= _MAX_LENGTH
        if key in _BOUNDS:
            return value == 0 or _MIN_BOUND <= abs(value) <= _MAX_BOUND
        return key != "multipleOf" or self._can_divide(value)

    def _can_divide(self, divisor: float) -> bool:
        """Whether there is room for the remainders of one more divisor, whichever values they meet at."""
        _, digits, exponent = Decimal(str(divisor)).normalize().as_tuple()
        remainder_count = int("".join(map(str, digits))) * 10 ** max(0, min(int(exponent), 9))
        if self._remainder_count * remainder_count > _MAX_REMAINDER_COUNT:
            return False
        self._remainder_count *= max(1, remainder_count)
        return True


def _can_count(schema: Mapping[str, Any]) -> bool:
    """Whether llguidance can bound the number of properties: not where some are optional, or of one only."""
    properties, required = schema.get("properties", {}), schema.get("required", [])
    if set(properties) <= set(required):
        return True
    least = max(0, schema.get("minProperties", 0) - len(required))
    most = schema["maxProperties"] - len(required) if "maxProperties" in schema else None
    is_closed = schema.get("additionalProperties") is False and not schema.get("patternProperties")
    return is_closed and least <= 1 and most in (None, 1)


def _pattern(pattern: str) -> str:
    return rust_pattern(pattern, ascii_words=True)


def _check_reference(reference: str) -> None:
    """Refuse to see a schema in what is data elsewhere; it was not looked at."""
    steps = reference.split("/")
    for holder, step in pairwise(steps):
        if step in _DATA and holder not in _NAMED:
            raise ValueError(f"it refers to {reference[:80]!r}, which is no schema")
