"""A JSON Schema validator that counts its steps and gives up where there are too many.

A small schema can ask for endless work: definitions that double through ``allOf``, items that are
all compared with each other, patterns that backtrack. Steps are counted, not time, so that equal
answers are judged equally on every machine. Refuses to know where schemas come from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from jsonschema.protocols import Validator
from jsonschema.validators import extend
from referencing import Registry

from policies.signals.pattern_cost import worst_step_count

STEP_LIMIT = 50_000
"""Steps of one check, 0.1 s and 1 s at worst; 500 objects of ten fields each are some 30,000."""
# A step of the pattern engine takes 10 ns, one of the validator about this many times as long.
_PATTERN_STEPS_PER_STEP = 200

Check = Callable[[Any, Any, Any, Any], Iterable[Any] | None]

_left: ContextVar[float] = ContextVar("steps_left")


class TooManyStepsError(Exception):
    """The check was given up; nothing is known."""


def metered(kind: type[Validator], schema: Any, registry: Registry[Any]) -> Validator:
    """Make a validator of ``kind`` that counts.

    Raises ValueError where part of ``schema`` names a dialect of its own: it would be checked by
    that dialect's validator, uncounted.
    """
    if isinstance(schema, dict):
        schema = {key: value for key, value in schema.items() if key != "$schema"}
    if any(isinstance(part.get("$schema"), str) for part in objects(schema)):
        raise ValueError("a part of the schema names a dialect of its own")
    validator: Validator = _metered_kind(kind)(schema, registry=registry)
    return validator


def is_valid(validator: Validator, value: Any) -> bool:
    """Whether ``value`` is what a metered ``validator`` accepts. Raises TooManyStepsError."""
    return are_valid([(validator, value)])


def are_valid(checks: Iterable[tuple[Validator, Any]]) -> bool:
    """Whether all values are what their metered validators accept, within the steps of one check.

    Raises TooManyStepsError.
    """
    token = _left.set(STEP_LIMIT)
    try:
        return all(validator.is_valid(value) for validator, value in checks)
    finally:
        _left.reset(token)


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object within a JSON value, the value itself first."""
    if isinstance(value, dict):
        yield value
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(child)


@lru_cache
def _metered_kind(kind: Any) -> Any:
    checks = {keyword: _metered(keyword, check) for keyword, check in kind.VALIDATORS.items()}
    return extend(kind, checks)  # type: ignore[no-untyped-call]


def _metered(keyword: str, check: Check) -> Check:
    def counted(validator: Any, wanted: Any, value: Any, schema: Any) -> Iterable[Any] | None:
        left = _left.get() - _step_count(keyword, wanted, value, schema)
        if left < 0:
            raise TooManyStepsError(keyword)
        _left.set(left)
        return check(validator, wanted, value, schema)

    return counted


def _step_count(keyword: str, wanted: Any, value: Any, schema: Any) -> float:
    """Steps of applying ``keyword``, those of the keywords below it apart."""
    count: float = 1 + _length(wanted) + _length(value)
    if keyword == "uniqueItems":
        count += _length(value) ** 2
    elif keyword == "pattern" and isinstance(value, str):
        count += _pattern_step_count(wanted, value)
    elif keyword in ("patternProperties", "additionalProperties") and isinstance(value, dict):
        patterns = schema.get("patternProperties", {})
        count += sum(_pattern_step_count(pattern, name) for pattern in patterns for name in value)
    return count


def _pattern_step_count(pattern: str, text: str) -> float:
    # Rounded up to a power of two: one count serves many texts.
    length = 1 << len(text).bit_length()
    return worst_step_count(pattern, length, search=True) / _PATTERN_STEPS_PER_STEP


def _length(value: Any) -> int:
    return len(value) if isinstance(value, list | dict) else 0
