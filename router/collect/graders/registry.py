"""Names of graders and where their code lives; the one place that is edited to add one.

A package outside this tree adds its own by the entry point group named here.
"""

from __future__ import annotations

from typing import Any

from policies.registry import Registry, UnknownName
from router.collect.errors import CollectError
from router.collect.graders.base import Grader

NONE = "none"
"""Stands for nobody: answers are kept, to be graded later."""

GRADERS = Registry(
    "grader",
    "upshift.graders",
    {
        "reference": "router.collect.graders.reference:Reference",
        "contains": "router.collect.graders.contains:Contains",
        "regex": "router.collect.graders.forms:Pattern",
        "json_schema": "router.collect.graders.forms:Schema",
        "json_fields": "router.collect.graders.json_fields:JsonFields",
        "top_tier": "router.collect.graders.top_tier:TopTier",
        "command": "router.collect.graders.command:Command",
    },
)


def grader_of(given: str, timeout_s: float = 30.0) -> Grader | None:
    """Make the grader that ``given`` names, as ``name`` or ``name:argument``; None for "none".

    ``timeout_s`` is what one grade may take where a program of its own works it out.
    Raises CollectError for a name that there is not, or an argument that it does not take.
    """
    name, _, argument = given.partition(":")
    if name == NONE and not argument:
        return None
    try:
        kind: Any = GRADERS.load(name)
    except UnknownName as exc:
        raise CollectError(f"--grader: {exc}, {NONE}") from exc
    made: Grader = kind(argument, timeout_s)
    return made


def refuse_argument(name: str, argument: str) -> None:
    """Raise CollectError where a grader that takes no argument was given one."""
    if argument:
        raise CollectError(f"--grader: {name} takes nothing behind its name, not {argument!r}")
