"""What the text of an answer tells, without any log-probability."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.types import Message, Prompt, Role
from policies.derive import with_text_signals
from policies.outcomes import Outcome, OutcomeRecord, Sample
from policies.signals.arithmetic import Arithmetic, check_sums
from policies.signals.base import Answer
from policies.signals.conclusion import Conclusion
from policies.signals.excerpt import HEAD_CHAR_COUNT, TAIL_CHAR_COUNT, excerpt
from policies.signals.hedging import Hedging
from policies.signals.repetition import Repetition
from policies.signals.structure import Structure

CHOICE = "Which is largest?\nA. the quick fox\nB. the lazy dog\nC. 42 geese"


def asked(question: str, text: str) -> Answer:
    return Answer(Prompt((Message(Role.USER, question),)), text)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("38 * 0.03 = 1.14", [True]),
        ("3 + 4 = 8", [False]),
        ("2 + 3 * 4 = 14, and 2 ^ 3 = 8", [True, True]),
        ("$10.00 + $11.60 = $21.60", [True]),
        ("2/3 = 0.67 and 2/3 = 0.68", [True, False]),
        ("50 * 20% = 10; 5/20 = 25%", [True, True]),
        ("1,000 + 2,000 = 3,000.", [True]),
        ("7 x 8 = 56 apples", [True]),
        ("22 / 7 ≈ 3.14", [True]),
        ("5 \\times 5 = 25", [True]),
        ("1 / 0 = 0", []),
    ],
)
def test_sums_are_done_again(text: str, right: list[bool]) -> None:
    """Rounding to the digits that are shown is right, and a percentage may be read both ways."""
    assert list(check_sums(text)) == right


@pytest.mark.parametrize(
    "text",
    ["(3 + 4) * 2 + 1 = 15", "x + 2 = 5", "2 * 3 = 6x", "1 + 1 = 3 + 4", "10^-6 * 2 = 3", "p3 + 4 = 9"],
)
def test_what_may_be_part_of_more_is_left_alone(text: str) -> None:
    """Brackets, variables and chains are not called wrong."""
    assert check_sums(text) == ()


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.sampled_from("+-*"))
def test_a_right_sum_is_never_called_wrong(first: int, second: int, sign: str) -> None:
    """Whatever the numbers."""
    result = {"+": first + second, "-": first - second, "*": first * second}[sign]
    assert check_sums(f"so {first} {sign} {second} = {result}.") == (True,)
    assert check_sums(f"so {first} {sign} {second} = {result + 1}.") == (False,)


def test_sums_are_counted_only_where_there_are_any() -> None:
    """Without sums there is no share of right ones."""
    assert Arithmetic().measure(asked("?", "none")) == {"sum_count_log": 0.0}
    assert Arithmetic().measure(asked("?", "1 + 1 = 2, 1 + 2 = 4"))["sum_right_share"] == 0.5


def test_an_option_is_borne_out_by_what_was_said() -> None:
    """The words of the option that was picked occur in the reasoning; those of others do not."""
    measured = Conclusion().measure(asked(CHOICE, "There are 42 geese, so the answer is (C)."))
    assert (measured["option_support"], measured["option_place"]) == (1.0, 2.0)
    assert measured["option_support_margin"] > 0.5
    assert measured["option_unknown"] == 0.0


def test_an_option_that_was_not_given_is_unknown() -> None:
    """A letter without an option is told; without any options nothing is said of them."""
    assert Conclusion().measure(asked(CHOICE, "The answer is (F)."))["option_unknown"] == 1.0
    assert "option_unknown" not in Conclusion().measure(asked("?", "The answer is (F)."))


def test_an_answer_that_breaks_off() -> None:
    """It ends in mid-sentence, with a bracket open, and repeats itself."""
    text = "We take the first of them and then " * 5 + "we take (the"
    assert Structure().measure(asked("?", text))["ends_cleanly"] == 0.0
    assert Structure().measure(asked("?", text))["bracket_imbalance_log"] > 0.0
    assert Repetition().measure(asked("?", text))["repeated_trigram_share"] > 0.7
    assert Structure().measure(asked("?", "It is done."))["ends_cleanly"] == 1.0


def test_doubts_are_counted() -> None:
    """Hedges, second thoughts and refusals are told apart."""
    measured = Hedging().measure(asked("?", "It may be 4. However, I cannot be sure."))
    assert all(value > 0.0 for value in measured.values())
    assert set(Hedging().measure(asked("?", "It is 4.")).values()) == {0.0}


@given(st.text(max_size=50), st.integers(0, 10**6))
def test_only_so_much_is_read(text: str, count: int) -> None:
    """A long answer is read at both ends; the cost is bounded."""
    long = text + "x" * count
    assert len(excerpt(long)) <= HEAD_CHAR_COUNT + TAIL_CHAR_COUNT + 1
    assert excerpt(long)[:10] == long[:10]


def test_recorded_signals_win_over_derived_ones() -> None:
    """Text fills in what is missing, the length too; what has no text is left as it is."""
    outcomes = {
        "a": Outcome(
            1.0, {"sum_count_log": 7.0}, None, text="Yes, I am quite sure.", samples=(Sample("No."),)
        ),
        "b": Outcome(0.0, {}, None),
    }
    (record,) = with_text_signals([OutcomeRecord(Prompt((Message(Role.USER, "Sure?"),)), outcomes)])
    derived = record.outcomes["a"]
    assert derived.signals["sum_count_log"] == 7.0
    assert {"conclusion_found", "sample_agreement_share"} <= derived.signals.keys()
    assert derived.samples[0].signals["ends_cleanly"] == 1.0
    assert derived.output_token_count == 5
    assert record.outcomes["b"] == outcomes["b"]
