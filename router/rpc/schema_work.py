"""Schemas and patterns that are valid and could keep whoever checks an answer busy for ever.

Decides how much work is too much, told before anything runs: definitions that double, parts that
come back to themselves, patterns that backtrack. Refuses to know the answers; what depends on them
is bounded where they are checked.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from referencing.jsonschema import DRAFT202012, EMPTY_REGISTRY

from policies.signals.metered_schema import objects
from policies.signals.pattern_cost import worst_step_count

REFERRING = ("$ref", "$dynamicRef", "$recursiveRef")
TOO_MANY_WAYS = (
    "may match in too many ways to be checked in time; avoid repeats within repeats, and alternatives "
    "that begin alike"
)
# 0.2 s at worst, at 10 ns a step; a longer answer is checked only where its pattern takes less.
_TEXT_LENGTH = 200
_MAX_STEP_COUNT = 20_000_000
_MAX_APPLIED_COUNT = 2_000


def is_slow(pattern: str, *, search: bool = False) -> bool:
    """Whether ``pattern`` may take too long over even a short text. Raises re.error where it is none."""
    return worst_step_count(pattern, _TEXT_LENGTH, search=search) > _MAX_STEP_COUNT


def endless_work(schema: Mapping[str, Any]) -> str | None:
    """Say what in ``schema``, whose references all resolve, would take too long; None: nothing."""
    for pattern in _patterns(schema):
        # What is no pattern is data that looks like one; the schema's language was checked.
        with suppress(re.error, RecursionError, OverflowError):
            if is_slow(pattern, search=True):
                return f"has the pattern {pattern[:80]!r}, which {TOO_MANY_WAYS}"
    resolver = EMPTY_REGISTRY.resolver_with_root(DRAFT202012.create_resource(schema))
    applied = _Applied(lambda reference: resolver.lookup(reference).contents)
    try:
        count = max(applied.count(part) for part in objects(schema))
    except RecursionError:
        count = math.inf
    if count <= _MAX_APPLIED_COUNT:
        return None
    seen = "endlessly many" if math.isinf(count) else f"{count:.0f}"
    return f"applies {seen} of its parts to one value; at most {_MAX_APPLIED_COUNT} are taken; look for $ref"


class _Applied:
    """Counts the parts of a schema that are applied to the same value as the part that names them."""

    def __init__(self, resolve: Callable[[str], Any]) -> None:
        self._resolve = resolve
        self._counts: dict[int, float] = {}

    def count(self, part: Any) -> float:
        """Parts that ``part`` comes to, itself included; infinite where it comes back to itself."""
        if not isinstance(part, dict):
            return 1
        if id(part) not in self._counts:
            self._counts[id(part)] = math.inf
            self._counts[id(part)] = 1 + sum(map(self.count, self._beside(part)))
        return self._counts[id(part)]

    def _beside(self, part: dict[str, Any]) -> Iterator[Any]:
        for key, value in part.items():
            if key in REFERRING and isinstance(value, str):
                yield self._resolve(value)
            elif key in ("allOf", "anyOf", "oneOf") and isinstance(value, list):
                yield from value
            elif key in ("not", "if", "then", "else"):
                yield value
            elif key == "dependentSchemas" and isinstance(value, dict):
                yield from value.values()


def _patterns(schema: Any) -> Iterator[str]:
    for part in objects(schema):
        if isinstance(pattern := part.get("pattern"), str):
            yield pattern
        if isinstance(by_pattern := part.get("patternProperties"), dict):
            yield from by_pattern
