"""References to environment variables inside a string: ``${NAME}`` and ``${NAME:-default}``.

Decides how they are written and what they become; ``$${`` stands for a literal ``${``. Refuses to
know where the string comes from. The default holds where the variable is unset or empty.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_REFERENCE = re.compile(r"\$(?P<escaped>\$\{)|\$\{(?P<body>[^{}]*)\}")
_BODY = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<default>:-.*)?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Expansion:
    """A string with its references resolved.

    ``unset`` names the variables that have neither value nor default, and ``malformed`` the
    references that name none; both stay in ``text`` as they are written. ``values`` are what came
    out of the environment: they may be secrets.
    """

    text: str
    unset: tuple[str, ...] = ()
    malformed: tuple[str, ...] = ()
    values: tuple[str, ...] = ()


def expand(text: str, environment: Mapping[str, str]) -> Expansion:
    """Resolve every reference in ``text``."""
    unset: list[str] = []
    malformed: list[str] = []
    values: list[str] = []

    def resolve(reference: re.Match[str]) -> str:
        if reference["escaped"]:
            return "${"
        body = _BODY.fullmatch(reference["body"])
        if body is None:
            malformed.append(reference[0])
            return reference[0]
        if value := environment.get(body["name"]):
            values.append(value)
            return value
        if body["default"] is not None:
            return body["default"][2:]
        unset.append(body["name"])
        return reference[0]

    expanded = _REFERENCE.sub(resolve, text)
    return Expansion(expanded, tuple(unset), tuple(malformed), tuple(values))
