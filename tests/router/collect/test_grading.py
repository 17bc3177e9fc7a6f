"""Graders: what passes for right."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from backends.types import JsonSchemaFormat, Message, Prompt, RegexFormat, Role
from router.collect import Case, CollectError
from router.collect.graders.command import Command
from router.collect.graders.registry import grader_of

PROMPT = Prompt((Message(Role.USER, "?"),))


async def grade(given: str, text: str, *references: Any, **case: Any) -> float | None:
    grader = grader_of(given)
    assert grader is not None
    asked = Case("id", case.pop("prompt", PROMPT), references, **case)
    assert grader.missing(asked) is None
    return await grader.grade(asked, text, top="The answer is 4.")


@pytest.mark.parametrize(
    ("given", "text", "reference", "right"),
    [
        ("reference:exact", " 4\n", "4", True),
        ("reference:exact", "4.", "4", False),
        ("reference:exact", "4", 4, True),
        ("reference:exact", '{"b": 1.0, "a": "x"}', {"a": "x", "b": 1}, True),
        ("reference:exact", '{"a": true}', {"a": 1}, False),
        ("reference:exact", "```json\n[1, 2]\n```", [1, 2], True),
        ("reference:normalised", "The Louvre, Paris!", "the louvre (paris)", True),
        ("reference:normalised", "the louvre", "louvre", False),
        ("reference:numeric", "So the total is $1,204.50", "1204.5", True),
        ("reference:numeric", "I do not know", "4", False),
        ("reference:final", "2 and 2 make 4. The answer is (B).", "B", True),
        ("reference:final", "The answer is 4.", 4, True),
        ("reference", "The answer is 5.", "4", False),
        ("contains", "It stands in PARIS, France.", "Paris", True),
        ("contains", "It is parisian.", "Paris", False),
        ("json_fields", "no json", {"a": 1}, 0.0),
        ("json_fields", '{"a": 1, "b": 2}', {"a": 1, "b": 3}, 0.5),
        ("json_fields", '{"a": 1, "made": "up"}', {"a": 1}, 0.5),
    ],
)
async def test_an_answer_is_held_against_its_reference(
    given: str, text: str, reference: Any, right: float
) -> None:
    """As strictly as was asked."""
    assert await grade(given, text, reference) == float(right)


async def test_one_of_several_references_is_enough() -> None:
    """They are alternatives."""
    assert await grade("reference:exact", "vier", "four", "vier") == 1.0


async def test_a_numeric_reference_must_be_a_number() -> None:
    """Said before anything runs: no answer could ever be right."""
    grader = grader_of("reference:numeric")
    assert grader is not None
    assert grader.missing(Case("id", PROMPT, ("Paris",))) == "a `reference` that is a number"


@pytest.mark.parametrize(("text", "right"), [("ab", 1.0), ("abc", 0.0), (" ab\n", 1.0)])
async def test_a_pattern_matches_the_whole_answer(text: str, right: float) -> None:
    """That of the line, that behind the name, or that which the answer was asked for in."""
    assert await grade("regex", text, pattern="[ab]+") == right
    assert await grade("regex:[ab]+", text) == right
    assert (
        await grade("regex", text, prompt=Prompt(PROMPT.messages, response_format=RegexFormat("[ab]+")))
        == right
    )


async def test_a_schema_is_met_or_not() -> None:
    """By the validator that serves."""
    prompt = Prompt(PROMPT.messages, response_format=JsonSchemaFormat({"required": ["a"], "type": "object"}))
    assert await grade("json_schema", '{"a": 1}', prompt=prompt) == 1.0
    assert await grade("json_schema", "{}", prompt=prompt) == 0.0


async def test_the_top_tier_is_a_proxy_that_needs_its_answer() -> None:
    """What says the same is right, whatever is."""
    assert await grade("top_tier", "4") == 1.0
    assert await grade("top_tier", "5") == 0.0
    grader = grader_of("top_tier")
    assert grader is not None
    assert grader.is_proxy
    assert await grader.grade(Case("id", PROMPT), "4", None) is None


def program(folder: Path, body: str) -> str:
    path = folder / "grade.py"
    path.write_text(f"import json, sys\nasked = json.load(sys.stdin)\n{body}\n")
    return f"{sys.executable} {path}"


@pytest.mark.parametrize(
    "body",
    [
        "print(0.75 if asked['answer'] == 'four' and asked['references'] == ['4'] else 0)",
        "print(json.dumps({'score': 0.75, 'why': 'because'}))",
    ],
)
async def test_a_program_grades(tmp_path: Path, body: str) -> None:
    """It reads all but who wrote the answer, and prints a number or an object."""
    grader = Command(program(tmp_path, body))
    assert await grader.grade(Case("id", PROMPT, ("4",)), "four", None) == 0.75


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("print(2)", "gave no score in [0, 1] but 2"),
        ("print('good')", "no JSON"),
        ("sys.exit(3)", "ended with status 3"),
        ("import time; time.sleep(60)", "took longer than 1 s"),
        ("print('x' * 100000)", "printed more than"),
    ],
)
async def test_a_program_that_gives_no_score_leaves_the_answer_ungraded(
    tmp_path: Path, body: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What went wrong is told by the prompt's place, never by its text."""
    grader = Command(program(tmp_path, body), timeout_s=1.0)
    assert await grader.grade(Case("id", PROMPT, place="p.jsonl:7"), "four", None) is None
    (record,) = (each for each in caplog.records if each.name.startswith("router."))
    assert said in record.message
    assert record.message.startswith("p.jsonl:7: ")
    assert json.dumps("four") not in record.message


async def test_a_program_that_only_fails_ends_the_grading(tmp_path: Path) -> None:
    """Not one warning for each of thousands."""
    grader = Command(program(tmp_path, "sys.exit(1)"))
    for _ in range(4):
        await grader.grade(Case("id", PROMPT), "x", None)
    with pytest.raises(CollectError, match="5 times in a row"):
        await grader.grade(Case("id", PROMPT), "x", None)


def test_a_changed_program_is_another_grader(tmp_path: Path) -> None:
    """Its earlier grades are not taken for its own."""
    words = program(tmp_path, "print(1)")
    before = Command(words).name
    program(tmp_path, "print(0)")
    assert Command(words).name != before
    with pytest.raises(CollectError, match="no program"):
        Command("no-such-program-anywhere")
