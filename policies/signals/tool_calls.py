"""Proofs that an answer calls tools wrongly: one that there is not, or with arguments against its schema.

Says nothing where the prompt has no tools, where the model was free to call none and did so, or where
checking could take longer than an answer is worth. Refuses to know whether a call is wise.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from jsonschema.protocols import Validator

from backends.tools import Toolbox, ToolCall, ToolMode
from policies.signals.base import Answer
from policies.signals.metered_schema import are_valid
from policies.signals.validators import TEXT_LIMIT, compiled, refuse_constant

_NAME = "tool_calls_valid"


class ToolCallsValid:
    """``tool_calls_valid``: 1 where every call is one that could be made, and those asked for are, else 0."""

    name = "tool_calls"
    cost_us = 100.0
    refutes = True

    def measure(self, answer: Answer) -> Mapping[str, float]:
        """All calls together are checked within the steps of one answer."""
        box, calls = answer.prompt.tools, answer.tool_calls
        if box is None or sum(len(call.arguments) for call in calls) > TEXT_LIMIT:
            return {}
        if not calls and box.choice.mode is not ToolMode.REQUIRED:
            return {}
        if not calls or not _is_allowed(box, calls):
            return {_NAME: 0.0}
        try:
            values = [_arguments(call) for call in calls]
        except (ValueError, RecursionError):
            return {_NAME: 0.0}
        try:
            validators = [_validator(box, call) for call in calls]
            return {_NAME: float(are_valid(zip(validators, values, strict=True)))}
        except Exception:  # noqa: BLE001  a schema that is none, references to what is none, and the meter
            return {}


def _is_allowed(box: Toolbox, calls: tuple[ToolCall, ...]) -> bool:
    """Whether such tools may be called, and so many."""
    if box.choice.mode is ToolMode.NONE or (box.parallel_calls is False and len(calls) > 1):
        return False
    if box.choice.name is not None:
        return all(call.name == box.choice.name for call in calls)
    return all(box.find(call.name) is not None for call in calls)


def _arguments(call: ToolCall) -> dict[str, Any]:
    """Read the arguments. Raises ValueError where they are no JSON object."""
    value = json.loads(call.arguments, parse_constant=refuse_constant)
    if not isinstance(value, dict):
        raise ValueError("arguments are an object")
    return value


def _validator(box: Toolbox, call: ToolCall) -> Validator:
    tool = box.find(call.name)
    assert tool is not None, "calls of unknown tools were refused before"
    return compiled(json.dumps(dict(tool.parameters), sort_keys=True))
