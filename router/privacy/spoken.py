"""Where the words of a conversation are: in its messages, and in the arguments of the calls that it holds.

Whoever looks for something in them, or puts something in its place, looks at the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from backends.types import Message


def spoken(messages: Sequence[Message]) -> list[str]:
    """All texts of a conversation: of every message its own, and the arguments of its calls."""
    return [text for turn in messages for text in (turn.content, *(c.arguments for c in turn.tool_calls))]


def respoken(messages: Sequence[Message], texts: Sequence[str]) -> tuple[Message, ...]:
    """The conversation with ``texts`` in the place of those that :func:`spoken` gives."""
    left = iter(texts)
    return tuple(
        replace(
            turn,
            content=next(left),
            tool_calls=tuple(replace(call, arguments=next(left)) for call in turn.tool_calls),
        )
        for turn in messages
    )
