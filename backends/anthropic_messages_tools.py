"""Tools in the words of Anthropic's messages API, and the tool that is none: the form of a JSON answer.

Decides what is offered and what must be used where a request has tools, an answer under a JSON Schema that is
asked for as a tool's input, or both: then the answer is one more tool, and the model has to use some tool.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

from backends.tools import Tool, Toolbox, ToolCall, ToolMode
from backends.types import JsonSchemaFormat, Message, Prompt, Role

_ANSWER = "answer"
_USABLE_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_ANY_OBJECT: Mapping[str, Any] = {"type": "object"}


def answer_tool(prompt: Prompt) -> str | None:
    """Name of the tool whose input is the answer, unlike that of any other; None where it cannot be one.

    It can only be an object. Where a tool must be called, there is no answer to give a form to.
    """
    form, box = prompt.response_format, prompt.tools
    if not isinstance(form, JsonSchemaFormat) or form.schema.get("type") != "object":
        return None
    if box is not None and box.choice.mode is ToolMode.REQUIRED:
        return None
    name = _ANSWER
    while any(tool.name == name for tool in _given(prompt)):
        name += "_"
    return name


def tool_fields(prompt: Prompt, answer: str | None) -> dict[str, Any]:
    """The fields of the request about tools; ``answer`` names the one whose input is the answer.

    The API wants tools that were called earlier to be known still.
    """
    tools = [_offered(tool) for tool in _given(prompt)]
    if answer is not None:
        assert isinstance(prompt.response_format, JsonSchemaFormat), "only such answers are asked for so"
        schema = dict(prompt.response_format.schema)
        tools.append({"name": answer, "description": "Gives the answer.", "input_schema": schema})
    if not tools:
        return {}
    choice = _choice(prompt.tools, answer)
    if prompt.tools is not None and prompt.tools.parallel_calls is False and choice["type"] != "none":
        choice["disable_parallel_tool_use"] = True
    return {"tools": tools, "tool_choice": choice}


def must_call(fields: Mapping[str, Any]) -> bool:
    """Whether the model has to use a tool, before which it cannot think."""
    return fields.get("tool_choice", {}).get("type") in ("any", "tool")


def _choice(box: Toolbox | None, answer: str | None) -> dict[str, Any]:
    if box is not None and box.choice.name is not None:
        return {"type": "tool", "name": box.choice.name}
    mode = ToolMode.NONE if box is None else box.choice.mode
    if answer is not None:
        return {"type": "tool", "name": answer} if mode is ToolMode.NONE else {"type": "any"}
    return {"type": {ToolMode.AUTO: "auto", ToolMode.NONE: "none", ToolMode.REQUIRED: "any"}[mode]}


def _given(prompt: Prompt) -> Sequence[Tool]:
    if prompt.tools is not None:
        return prompt.tools.tools
    called = {call.name for message in prompt.messages for call in message.tool_calls}
    return [Tool(name) for name in sorted(called)]


def _offered(tool: Tool) -> dict[str, Any]:
    said = {"name": tool.name, "input_schema": dict(tool.parameters or _ANY_OBJECT)}
    if tool.description:
        said["description"] = tool.description
    return said | {"strict": True} if tool.strict else said


def is_result(message: Message) -> bool:
    """Whether it is what came of a call, which goes into a message of the user's."""
    return message.role is Role.TOOL


def result_block(message: Message) -> dict[str, Any]:
    """What came of a call."""
    said: dict[str, Any] = {"type": "tool_result", "tool_use_id": _usable_id(message.tool_call_id or "")}
    if message.content:
        said["content"] = message.content
    return said | {"is_error": True} if message.is_error else said


def call_block(call: ToolCall) -> dict[str, Any]:
    """A call that the model made. The API takes objects only; what was no JSON is shown as it was written."""
    try:
        given = json.loads(call.arguments)
    except ValueError:
        given = None
    read = given if isinstance(given, dict) else {"malformed": call.arguments}
    return {"type": "tool_use", "id": _usable_id(call.id), "name": call.name, "input": read}


def _usable_id(call_id: str) -> str:
    """The id where the API takes it, else one made of it, always the same."""
    if _USABLE_ID.fullmatch(call_id):
        return call_id
    return f"call_{blake2b(call_id.encode(), digest_size=12).hexdigest()}"
