"""Tools that a model may call, and the calls that it makes.

Decides their shape between the wire, the policies and the models. Refuses to run a tool: whoever asked does
that, and sends what came of it as a message of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class ToolMode(StrEnum):
    """Whether the answer may, must not or must call tools."""

    AUTO = "auto"
    NONE = "none"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class Tool:
    """Something that the model may ask for: its name, what it is for, and the JSON Schema of its arguments.

    ``parameters`` is of an object; empty: it takes none. ``strict`` asks the model's server to hold the
    arguments to the schema while they are written, None: as the server likes.
    """

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    strict: bool | None = None


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """``mode`` of the call; with ``name``, which goes with REQUIRED, it is that tool which must be called."""

    mode: ToolMode = ToolMode.AUTO
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Toolbox:
    """The tools of a prompt, at least one. ``parallel_calls`` None: several at once as the model likes."""

    tools: tuple[Tool, ...]
    choice: ToolChoice = ToolChoice()
    parallel_calls: bool | None = None

    def find(self, name: str) -> Tool | None:
        """The tool called ``name``; None: there is none."""
        return next((tool for tool in self.tools if tool.name == name), None)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that a model makes; ``arguments`` are JSON as the model wrote it, which may be malformed.

    ``id`` is its server's, or made up where that gives none: a tool's answer names it.
    """

    id: str
    name: str
    arguments: str
