"""What is wrong with a configuration, one problem a line, as a compiler would say it.

Decides how a problem reads. Refuses to know what makes a configuration right.
"""

from __future__ import annotations

from dataclasses import dataclass

Location = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a file; line and column count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where, at which key, and what to do about it.

    ``key`` is a path such as ``tiers[0].limits.queue``; empty for the file as a whole. ``message``
    holds the value seen, with secrets masked, and what is allowed.
    """

    source: str
    position: Position
    key: str
    message: str

    def __str__(self) -> str:
        place = f"{self.source}:{self.position.line}:{self.position.column}"
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


class ConfigError(Exception):
    """A configuration cannot be used; ``problems`` has all that is wrong with it, in file order."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def key_path(location: Location) -> str:
    """Write a location as people read it: ``("tiers", 0, "name")`` as ``tiers[0].name``."""
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path
