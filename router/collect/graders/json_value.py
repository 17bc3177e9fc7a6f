"""JSON values as graders compare them: by value and by type."""

from __future__ import annotations

import json
from typing import Any

_TEXT_LIMIT = 1_000_000
NOTHING = object()
"""What a text that is no JSON comes to: the same as no value at all."""


def parsed(text: str) -> Any:
    """Read an answer as one JSON value, in a fence of code or not; NOTHING where it is none."""
    body = text.strip()
    if len(body) > _TEXT_LIMIT:
        return NOTHING
    if body.startswith("```") and body.endswith("```"):
        body = body[3:-3].removeprefix("json").strip()
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return NOTHING


def same_value(first: Any, second: Any) -> bool:
    """Whether two JSON values are one: 1 and 1.0 are, 1 and true are not, keys may stand in any order."""
    if isinstance(first, bool) or isinstance(second, bool):
        return first is second
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(same_value(first[key], second[key]) for key in first)
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(same_value, first, second))
    return bool(first == second)
