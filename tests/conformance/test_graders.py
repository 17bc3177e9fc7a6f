"""Every registered grader keeps the contract of its seam."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.types import JsonSchemaFormat, Message, Prompt, Role
from router.collect import Case, CollectError
from router.collect.graders.base import Grader
from router.collect.graders.registry import GRADERS, grader_of

# What each needs behind its name, and a case that it can grade.
GIVEN: dict[str, tuple[str, dict[str, Any]]] = {
    "reference": ("exact", {"references": ("4",)}),
    "contains": ("", {"references": ("4",)}),
    "regex": ("", {"pattern": "[0-9]+"}),
    "json_schema": ("", {}),
    "json_fields": ("", {"references": ({"sum": 4},)}),
    "top_tier": ("", {}),
    "command": (f"{sys.executable} -c print(0.25)", {}),
}
PROMPT = Prompt((Message(Role.USER, "2 + 2?"),), response_format=JsonSchemaFormat({"type": "object"}))


def made(name: str) -> tuple[Grader, Case]:
    argument, fields = GIVEN[name]
    grader = grader_of(f"{name}:{argument}" if argument else name)
    assert grader is not None
    return grader, Case("id", PROMPT, **fields)


@pytest.mark.parametrize("name", GRADERS.names())
async def test_a_grade_is_between_0_and_1(name: str) -> None:
    """For an answer, for one that is empty, and for one that equals the top tier's."""
    grader, case = made(name)
    assert grader.missing(case) is None
    assert name in grader.name
    for text in ("4", "", '{"sum": 4}'):
        grade = await grader.grade(case, text, top="4")
        assert grade is not None
        assert 0.0 <= grade <= 1.0


@pytest.mark.parametrize("name", [name for name in GRADERS.names() if name != "command"])
@settings(max_examples=30)
@given(text=st.text(max_size=200))
async def test_no_text_breaks_a_grader(name: str, text: str) -> None:
    """Answers are whatever models write."""
    grader, case = made(name)
    grade = await grader.grade(case, text, top="4")
    assert grade is None or 0.0 <= grade <= 1.0


@pytest.mark.parametrize("name", GRADERS.names())
def test_a_grader_says_what_it_lacks(name: str) -> None:
    """A prompt without references, pattern and schema is enough for proxies and programs only."""
    grader, _ = made(name)
    missing = grader.missing(Case("id", Prompt(PROMPT.messages)))
    assert (missing is None) == (name in {"top_tier", "command"})


def test_unknown_names_are_refused_with_those_that_are_known() -> None:
    """And arguments that a grader does not take."""
    with pytest.raises(CollectError, match=r"known: .*reference.*, none"):
        grader_of("referense")
    with pytest.raises(CollectError, match="takes nothing behind its name"):
        grader_of("top_tier:edge")
    with pytest.raises(CollectError, match="known: exact, normalised, numeric, final"):
        grader_of("reference:strictly")
    assert grader_of("none") is None
