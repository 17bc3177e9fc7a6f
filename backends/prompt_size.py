"""How long a prompt is in characters, where no tokenizer is at hand: all that its model reads."""

from __future__ import annotations

import json

from backends.tools import Toolbox
from backends.types import Message, Prompt


def character_count(prompt: Prompt) -> int:
    """Characters of the messages, the calls in them, and the definitions of tools."""
    spoken = sum(map(_message, prompt.messages))
    return spoken + (0 if prompt.tools is None else _toolbox(prompt.tools))


def _message(message: Message) -> int:
    calls = sum(len(call.name) + len(call.arguments) for call in message.tool_calls)
    return len(message.content) + calls


def _toolbox(box: Toolbox) -> int:
    # Their servers show the model much the same JSON.
    return sum(
        len(tool.name) + len(tool.description) + len(json.dumps(dict(tool.parameters))) for tool in box.tools
    )
