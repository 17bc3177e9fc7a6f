"""What a file says, as plain values, each with its place in the file.

Decides how a value is shown in an error: as it is written, references to the environment
unresolved, secrets masked. Refuses to know what the values mean.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from router.config.problems import Location, Position, Problem, key_path

_SECRET_KEY = re.compile(r"(^|[_-])(key|token|secret|password|authorization|credentials?)$", re.IGNORECASE)
_URL_CREDENTIALS = re.compile(r"(?<=//)[^/@\s]+(?=@)")
_WHOLE_REFERENCE = re.compile(r"\$\{\w+\}")
_SEEN_LENGTH = 60


def is_secret(location: Location) -> bool:
    """Whether the keys on the way to ``location`` say that its value is a secret."""
    return any(isinstance(part, str) and _SECRET_KEY.search(part) for part in location)


@dataclass(frozen=True, slots=True)
class Document:
    """A file's values and where they stand.

    ``positions`` has the place of every value, ``key_positions`` that of every key, ``written``
    the text of every scalar as the file has it. ``secrets`` are all values that came out of the
    environment or stand under a key such as ``api_key``; ``problems`` what reading it found.
    """

    source: str
    data: Any
    positions: Mapping[Location, Position]
    key_positions: Mapping[Location, Position]
    written: Mapping[Location, str]
    secrets: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()

    def problem(self, location: Location, message: str, *, at_key: bool = False) -> Problem:
        """Make a problem at ``location``, or at the nearest place above it that the file has."""
        if at_key and location in self.key_positions:
            position = self.key_positions[location]
        else:
            near = location
            while near and near not in self.positions:
                near = near[:-1]
            position = self.positions.get(near, Position(1, 1))
        return Problem(self.source, position, key_path(location), self._masked(message))

    def seen(self, location: Location, value: object) -> str:
        """Write the value at ``location`` as it may be shown."""
        if isinstance(value, dict | list):
            return "a mapping" if isinstance(value, dict) else "a list"
        if value is None or isinstance(value, bool):
            return {None: "nothing", True: "true", False: "false"}[value]
        if isinstance(value, str):
            value = self.written.get(location, value)
            if is_secret(location) and not _WHOLE_REFERENCE.fullmatch(value):
                return "***"
            value = _URL_CREDENTIALS.sub("***", value)
        text = repr(value)
        return text if len(text) <= _SEEN_LENGTH else text[: _SEEN_LENGTH - 3] + "..."

    def _masked(self, message: str) -> str:
        for secret in sorted(self.secrets, key=len, reverse=True):
            message = message.replace(secret, "***")
        return message
