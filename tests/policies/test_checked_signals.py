"""What can be checked of an answer against its source, its language and its question."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.types import Message, Prompt, Role
from policies.signals.base import Answer
from policies.signals.code import Code, parses
from policies.signals.number import Number
from policies.signals.quote import Quote, quoted_spans

SOURCE = 'The board met in March.\nIt "approved the  budget of the harbour", and adjourned at noon.'


def asked(question: str, text: str) -> Answer:
    return Answer(Prompt((Message(Role.USER, question),)), text)


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ('It says "The board met in march".', 1.0),
        ("It says “approved the budget of the harbour”.", 1.0),
        ('It says "The board met in May".', 0.0),
        ('"The board met in March" but "adjourned at midnight sharp"', 0.5),
        ('It says "The board met [...] adjourned at noon".', 1.0),
        ("> The board met in March.\n\nSo in March.", 1.0),
    ],
)
def test_quotes_are_looked_up_in_the_prompt(text: str, share: float) -> None:
    """Case, line breaks and marks do not matter, and an ellipsis leaves something out."""
    assert Quote().measure(asked(SOURCE, text))["quote_found_share"] == share


def test_short_quotes_prove_nothing() -> None:
    """A quoted name or term is no quotation."""
    assert quoted_spans('He said "harbour" and "the budget".') == []
    assert Quote().measure(asked(SOURCE, 'the word "harbour"')) == {"quote_count_log": 0.0}


@given(st.text(max_size=200))
def test_what_is_copied_is_found(source: str) -> None:
    """Whatever the source: a span of it is never called made up."""
    measured = Quote().measure(asked(source, f"“{source}”"))
    assert measured.get("quote_found_share", 1.0) == 1.0


@pytest.mark.parametrize(
    ("language", "text", "is_read"),
    [
        ("python", "def f(x):\n    return x", True),
        ("py", "def f(x):\nreturn x", False),
        ("Python", "x = '\\d'", True),
        ("json", '{"a": [1, 2]}', True),
        ("json", "{'a': 1}", False),
        ("rust", 'fn main() { println!("}"); }', True),
        ("c", "int main() { return (0; }", False),
        ("", "f(x[0])", True),
        ("text", "((", None),
        ("python", ">>> 1 + 1\n2", None),
        ("python", "", None),
    ],
)
def test_code_is_read_by_its_language(language: str, text: str, is_read: bool | None) -> None:
    """Python and JSON by their parsers, others by brackets outside of strings, prose not at all."""
    assert parses(language, text) is is_read


def test_all_blocks_count_and_bare_python_is_a_block() -> None:
    """Half of the blocks can be read; an answer that is nothing but Python needs no fence."""
    text = "First:\n```python\nx = 1\n```\nthen\n```python\nx = = 1\n```\n"
    assert Code().measure(asked("?", text))["code_parses_share"] == 0.5
    assert Code().measure(asked("?", "def f(:\n    pass"))["code_parses_share"] == 0.0
    assert Code().measure(asked("?", "No code here (really")) == {"code_checked_count_log": 0.0}


def test_nested_code_is_never_run_nor_raises() -> None:
    """What overwhelms the parser is left unmeasured or called unreadable."""
    assert (
        Code().measure(asked("?", "```python\n" + "(" * 20_000 + "\n```")).get("code_parses_share", 0.0)
        == 0.0
    )


@pytest.mark.parametrize("unit", ["/*", '\\"', '"', "'", "``` x\n", "(", '"\\'])
def test_no_text_is_read_twice(unit: str) -> None:
    """Marks that never close take time linear in the text; quadratic ones would end in the test's timeout."""
    text = "```c\n" + unit * (100_000 // len(unit)) + "\n```"
    assert "code_checked_count_log" in Code().measure(asked("?", text))
    assert parses("c", unit * (1_000_000 // len(unit))) is not None


@pytest.mark.parametrize(
    ("question", "text", "measured"),
    [
        ("How many apples are left?", "The answer is 12.", {"number_as_asked": 1.0}),
        ("How many apples are left?", "The answer is: none of them", {"number_as_asked": 0.0}),
        ("How far is it in kilometres?", "It is 3 * 4 = 12 so the answer is 12 km.", {"unit_as_asked": 1.0}),
        ("How far is it in kilometres?", "The answer is 12 miles.", {"unit_as_asked": 0.0}),
        ("What is the price in dollars?", "The answer is $12.", {"unit_as_asked": 1.0}),
        ("What percent is that?", "The answer is 12%.", {"unit_as_asked": 1.0, "number_as_asked": 1.0}),
        ("What is it?", "x = 12, so the answer is 12.", {"number_was_derived": 1.0}),
        ("What is it?", "x = 120, so the answer is 12.", {"number_was_derived": 0.0}),
    ],
)
def test_number_and_unit_are_held_against_the_question(
    question: str, text: str, measured: dict[str, float]
) -> None:
    """A number where one was asked for, in its unit, from the answer's own sums."""
    found = Number().measure(asked(question, text))
    assert {name: found[name] for name in measured} == measured


def test_nothing_is_said_of_units_that_are_not_told() -> None:
    """No unit in the question or none in the answer says nothing of either."""
    assert "unit_as_asked" not in Number().measure(asked("How far in km?", "The answer is 12."))
    assert "unit_as_asked" not in Number().measure(asked("How far?", "The answer is 12 km."))
