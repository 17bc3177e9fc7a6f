"""What an answer comes down to, and whether two answers agree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.signals.agreement import agreement, read, sample_agreement
from policies.signals.final_answer import Kind, find_final_answer, same_answer

PIECES = st.sampled_from(
    [
        "answer is ",
        "(B)",
        "\\boxed{",
        "}",
        "#### ",
        "12",
        ",",
        ".",
        "3/4",
        "```",
        "\n",
        "{",
        '"answer": ',
        "a",
        " ",
    ]
)
HOSTILE = st.lists(PIECES, max_size=40).map("".join) | st.text(max_size=200)


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("The answer is (C).\n", Kind.LETTER, "C"),
        ("First the answer is (A). No: the answer is **B**.", Kind.LETTER, "B"),
        ("So the answer is:\n\nD) because", Kind.LETTER, "D"),
        ("B", Kind.LETTER, "B"),
        ("It adds up.\n#### 1,250", Kind.NUMBER, "1250"),
        ("Hence \\boxed{\\frac{1}{2}} of it.", Kind.NUMBER, "\\frac{1}{2}"),
        ("The answer is $18 dollars.", Kind.NUMBER, "18"),
        ("05/01/2021", Kind.TEXT, "05/01/2021"),
        ("The answer is the Eiffel Tower.", Kind.TEXT, "eiffel tower"),
        ('```json\n{"reasoning": "...", "answer": "[1, 2]"}\n```', Kind.TEXT, "1 2"),
        ('{"b": 1, "a": [2]}', Kind.JSON, '{"a":[2],"b":1}'),
        (
            "Here it is, as was asked:\n\n```python\nx =  1\n```\nThat was the whole of it, I think.",
            Kind.CODE,
            "x = 1",
        ),
        (
            "A long way round of saying things.\nIn the end she makes 18 of them every single day",
            Kind.NUMBER,
            "18",
        ),
    ],
)
def test_the_conclusion_of_a_text(text: str, kind: Kind, value: str) -> None:
    """The last statement counts, in the forms that models use."""
    final = find_final_answer(text)
    assert final is not None
    assert (final.kind, final.value) == (kind, value)


@pytest.mark.parametrize(
    "text",
    ["", "  \n", "It is hard to tell what was meant by this.\nPerhaps you could say more about it, please?"],
)
def test_no_conclusion(text: str) -> None:
    """What comes to nothing comes to nothing."""
    assert find_final_answer(text) is None


def test_a_number_in_the_last_line_was_not_stated() -> None:
    """It stands where answers stand, and nobody said that it is one."""
    stated, guessed = (
        find_final_answer("Answer: 4"),
        find_final_answer("x" * 100 + "\nand so it takes 4 hours in all"),
    )
    assert stated
    assert guessed
    assert (stated.is_stated, guessed.is_stated) == (True, False)
    assert same_answer(stated, guessed)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("The answer is 0.5", "\\boxed{1/2}", True),
        ("answer: 1,000", "#### 1000", True),
        ("The answer is Paris.", "paris", True),
        ("The answer is (A)", "The answer is (B)", False),
        ("The answer is 3", "The answer is 4", False),
    ],
)
def test_two_answers_agree_in_what_they_come_down_to(first: str, second: str, same: bool) -> None:
    """However they are written."""
    assert agreement(read(first), read(second))["agreement_final"] == float(same)


@given(HOSTILE, HOSTILE)
def test_agreement_is_symmetric_and_within_bounds(first: str, second: str) -> None:
    """And a text agrees with itself, whatever is in it."""
    one, other = read(first), read(second)
    assert agreement(one, other) == agreement(other, one)
    assert all(0.0 <= value <= 1.0 for value in agreement(one, other).values())
    assert set(agreement(one, one).values()) == {1.0}


def test_samples_bear_an_answer_out() -> None:
    """Their share, the largest group's, and whether the answer is in it."""
    measured = sample_agreement(read("4"), [read("5"), read("5"), read("4")])
    assert measured["sample_agreement_share"] == pytest.approx(1 / 3)
    assert measured["sample_majority_share"] == 0.5
    assert measured["sample_answer_is_majority"] == 1.0
    assert sample_agreement(read("4"), []) == {}


def test_what_comes_to_nothing_agrees_with_nothing() -> None:
    """Two empty answers are not a majority."""
    measured = sample_agreement(read(""), [read(""), read("")])
    assert measured["sample_agreement_share"] == measured["sample_answer_is_majority"] == 0.0
