"""The tools of a request: read from the wire, and refused where no model could call them rightly.

Decides which toolboxes and which conversations with calls in them are taken: names and ids of a bounded form,
schemas as those of answers are, every call answered once and before anybody else speaks. Refuses to know
models, and what the arguments of earlier calls mean: a model may have written them wrongly, and been told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain

from upshift.v1 import types_pb2

from backends.tools import Tool, Toolbox
from backends.upshift_node_tools import choice_of
from router.errors import Violation
from router.rpc.formats import core_schema, schema_violation

MAX_TOOL_COUNT = 128
MAX_CALL_COUNT = 128
MAX_DESCRIPTION_BYTE_COUNT = 16_384
# Checking takes 2 to 7 ms a kilobyte, as that of answers' schemas, once while they are cached.
MAX_SCHEMAS_BYTE_COUNT = 65_536
_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")
_ID = re.compile(r"[!-~]{1,128}")
_PATH = "prompt.tools"


def core_toolbox(message: types_pb2.Toolbox) -> Toolbox:
    """Translate a toolbox that has no violations."""
    return Toolbox(
        tools=tuple(_core_tool(tool) for tool in message.tools),
        choice=choice_of(message.choice),
        parallel_calls=message.parallel_calls if message.HasField("parallel_calls") else None,
    )


def _core_tool(tool: types_pb2.Tool) -> Tool:
    parameters = core_schema(tool.parameters) if tool.HasField("parameters") else {}
    return Tool(tool.name, tool.description, parameters, tool.strict if tool.HasField("strict") else None)


def toolbox_violations(box: types_pb2.Toolbox) -> Iterator[Violation]:
    """Say what is wrong with the tools of a prompt."""
    if not box.tools:
        yield Violation(f"{_PATH}.tools", "TOOLS_EMPTY", "has no tools; give at least one, or leave it out")
    if len(box.tools) > MAX_TOOL_COUNT:
        said = f"has {len(box.tools)} tools; at most {MAX_TOOL_COUNT} are taken"
        yield Violation(f"{_PATH}.tools", "TOOLS_TOO_MANY", said)
        return
    yield from _choice(box)
    yield from _names([tool.name for tool in box.tools])
    byte_count = sum(tool.parameters.ByteSize() for tool in box.tools)
    if byte_count > MAX_SCHEMAS_BYTE_COUNT:
        said = f"has schemas of {byte_count} bytes; at most {MAX_SCHEMAS_BYTE_COUNT} are taken together"
        yield Violation(f"{_PATH}.tools", "TOOL_SCHEMAS_TOO_LARGE", said)
        return
    yield from chain.from_iterable(map(_tool, range(len(box.tools)), box.tools))


def _choice(box: types_pb2.Toolbox) -> Iterator[Violation]:
    mode, name = box.choice.mode, box.choice.name
    if mode not in types_pb2.ToolMode.values():
        said = f"is the unknown number {mode}; give TOOL_MODE_AUTO, TOOL_MODE_NONE or TOOL_MODE_REQUIRED"
        yield Violation(f"{_PATH}.choice.mode", "TOOL_MODE_INVALID", said)
    if not name:
        return
    if mode in (types_pb2.TOOL_MODE_AUTO, types_pb2.TOOL_MODE_NONE):
        said = (
            f"goes with {types_pb2.ToolMode.Name(mode)}, which lets no tool be named; use TOOL_MODE_REQUIRED"
        )
        yield Violation(f"{_PATH}.choice.name", "TOOL_CHOICE_CONTRADICTS", said)
    if all(tool.name != name for tool in box.tools):
        yield Violation(f"{_PATH}.choice.name", "TOOL_UNKNOWN", f"no tool is called {name[:64]!r}")


def _names(names: Sequence[str]) -> Iterator[Violation]:
    for index, name in enumerate(names):
        path = f"{_PATH}.tools[{index}].name"
        if not _NAME.fullmatch(name):
            yield Violation(path, "TOOL_NAME_INVALID", _unfit(name, "[A-Za-z0-9_-]"))
        elif name in names[:index]:
            said = f"is {name!r}, as is that of tools[{names.index(name)}]; every tool needs its own"
            yield Violation(path, "TOOL_NAME_DUPLICATE", said)


def _tool(index: int, tool: types_pb2.Tool) -> Iterator[Violation]:
    path = f"{_PATH}.tools[{index}]"
    byte_count = len(tool.description.encode())
    if byte_count > MAX_DESCRIPTION_BYTE_COUNT:
        said = f"has {byte_count} bytes; at most {MAX_DESCRIPTION_BYTE_COUNT} are taken"
        yield Violation(f"{path}.description", "TOOL_DESCRIPTION_TOO_LONG", said)
    if not tool.HasField("parameters"):
        return
    if (found := schema_violation(tool.parameters, f"{path}.parameters")) is not None:
        yield found
    elif core_schema(tool.parameters).get("type") != "object":
        said = 'is no schema of an object, which arguments are; give it "type": "object"'
        yield Violation(f"{path}.parameters", "TOOL_SCHEMA_NOT_OBJECT", said)


def call_violations(messages: Sequence[types_pb2.Message]) -> Iterator[Violation]:
    """Say what is wrong with the calls in a conversation, and with the answers to them."""
    waiting: set[str] = set()
    for index, turn in enumerate(messages):
        path = f"prompt.messages[{index}]"
        if turn.role == types_pb2.ROLE_TOOL:
            yield from _answer(path, turn, waiting)
            waiting.discard(turn.tool_call_id)
            continue
        yield from _unanswered(path, waiting)
        if turn.tool_call_id or turn.is_error:
            said = "is for messages of ROLE_TOOL"
            yield Violation(f"{path}.tool_call_id", "TOOL_CALL_ID_MISPLACED", said)
        yield from _calls(path, turn)
        waiting = {call.id for call in turn.tool_calls}
    yield from _unanswered("prompt.messages", waiting)


def _answer(path: str, turn: types_pb2.Message, waiting: set[str]) -> Iterator[Violation]:
    if turn.tool_call_id not in waiting:
        said = "names no call of the turn before it that is not answered yet"
        yield Violation(f"{path}.tool_call_id", "TOOL_CALL_UNKNOWN", said)
    if turn.images:
        yield Violation(f"{path}.images", "IMAGES_MISPLACED", "stands with what a tool gave; give text")


def _unanswered(path: str, waiting: set[str]) -> Iterator[Violation]:
    if waiting:
        said = f"comes before {len(waiting)} calls are answered; give a message of ROLE_TOOL for each"
        yield Violation(path, "TOOL_CALL_UNANSWERED", said)


def _calls(path: str, turn: types_pb2.Message) -> Iterator[Violation]:
    calls = turn.tool_calls
    if calls and turn.role != types_pb2.ROLE_ASSISTANT:
        yield Violation(f"{path}.tool_calls", "TOOL_CALLS_MISPLACED", "is for messages of ROLE_ASSISTANT")
    if len(calls) > MAX_CALL_COUNT:
        said = f"has {len(calls)} calls; at most {MAX_CALL_COUNT} are taken"
        yield Violation(f"{path}.tool_calls", "TOOL_CALLS_TOO_MANY", said)
        return
    if len({call.id for call in calls}) < len(calls):
        yield Violation(f"{path}.tool_calls", "TOOL_CALL_ID_DUPLICATE", "has two calls with the same id")
    for index, call in enumerate(calls):
        if not _ID.fullmatch(call.id):
            said = _unfit(call.id, "printable ASCII without spaces")
            yield Violation(f"{path}.tool_calls[{index}].id", "TOOL_CALL_ID_INVALID", said)
        if not _NAME.fullmatch(call.name):
            said = _unfit(call.name, "[A-Za-z0-9_-]")
            yield Violation(f"{path}.tool_calls[{index}].name", "TOOL_NAME_INVALID", said)


def _unfit(name: str, form: str) -> str:
    return f"has {len(name)} characters; it must have 1 to 128 of {form}"
