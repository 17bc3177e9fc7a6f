"""The form of a conversation for a model that brings no chat template."""

from __future__ import annotations

from backends.types import Prompt, Role


def plain_chat(prompt: Prompt) -> str:
    """One line ``role: content`` a message, and last the name of the one who is to answer."""
    lines = [f"{message.role}: {message.content}" for message in prompt.messages]
    return "\n".join([*lines, f"{Role.ASSISTANT}:"])
