"""Tools, their calls and the messages between as data of the RouterService API, both ways.

Decides nothing but which field is which; what a toolbox from outside may hold, its server checks.
"""

from __future__ import annotations

from upshift.v1 import types_pb2

from backends.tools import Tool, Toolbox, ToolCall, ToolChoice, ToolMode
from backends.types import Image, Message, Role, TokenLogprob

ROLES = {
    types_pb2.ROLE_SYSTEM: Role.SYSTEM,
    types_pb2.ROLE_USER: Role.USER,
    types_pb2.ROLE_ASSISTANT: Role.ASSISTANT,
    types_pb2.ROLE_TOOL: Role.TOOL,
}
TOOL_MODES = {
    types_pb2.TOOL_MODE_AUTO: ToolMode.AUTO,
    types_pb2.TOOL_MODE_NONE: ToolMode.NONE,
    types_pb2.TOOL_MODE_REQUIRED: ToolMode.REQUIRED,
}
_ROLE_NUMBERS = {role: number for number, role in ROLES.items()}
_MODE_NUMBERS = {mode: number for number, mode in TOOL_MODES.items()}


def turn_message(turn: Message) -> types_pb2.Message:
    """Translate a message of a conversation."""
    return types_pb2.Message(
        role=_ROLE_NUMBERS[turn.role],
        content=turn.content,
        images=[types_pb2.Image(data=image.data, media_type=image.media_type) for image in turn.images],
        tool_calls=[call_message(call) for call in turn.tool_calls],
        tool_call_id=turn.tool_call_id or "",
        is_error=turn.is_error,
    )


def turn_of(message: types_pb2.Message) -> Message:
    """Read a message of a conversation, which was checked."""
    return Message(
        ROLES[message.role],
        message.content,
        tuple(Image(image.data, image.media_type) for image in message.images),
        tuple(call_of(call) for call in message.tool_calls),
        message.tool_call_id or None,
        message.is_error,
    )


def call_message(call: ToolCall) -> types_pb2.ToolCall:
    """Translate a call."""
    return types_pb2.ToolCall(id=call.id, name=call.name, arguments=call.arguments)


def call_of(message: types_pb2.ToolCall) -> ToolCall:
    """Read a call."""
    return ToolCall(message.id, message.name, message.arguments)


def toolbox_message(box: Toolbox) -> types_pb2.Toolbox:
    """Translate the tools of a prompt."""
    return types_pb2.Toolbox(
        tools=[_tool_message(tool) for tool in box.tools],
        choice=types_pb2.ToolChoice(mode=_MODE_NUMBERS[box.choice.mode], name=box.choice.name or ""),
        parallel_calls=box.parallel_calls,
    )


def _tool_message(tool: Tool) -> types_pb2.Tool:
    message = types_pb2.Tool(name=tool.name, description=tool.description, strict=tool.strict)
    if tool.parameters:
        message.parameters.update(dict(tool.parameters))
    return message


def choice_of(message: types_pb2.ToolChoice) -> ToolChoice:
    """Read a choice; one that names a tool and no mode wants that tool called."""
    usual = ToolMode.REQUIRED if message.name else ToolMode.AUTO
    return ToolChoice(TOOL_MODES.get(message.mode, usual), message.name or None)


def token_message(token: TokenLogprob, top_count: int) -> types_pb2.TokenLogprob:
    """Translate a token with the ``top_count`` most probable ones in its place."""
    top = [types_pb2.TopLogprob(text=text, logprob=logprob) for text, logprob in token.top[:top_count]]
    return types_pb2.TokenLogprob(text=token.text, logprob=token.logprob, top=top)


def token_of(message: types_pb2.TokenLogprob) -> TokenLogprob:
    """Read a token."""
    top = tuple((each.text, each.logprob) for each in message.top)
    return TokenLogprob(message.text, message.logprob, top=top)
