"""Guesses by looking up what was said before."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from backends.serving.sequence import Sequence
from backends.serving.speculation.lookup import Lookup
from backends.serving.work import Work
from backends.types import Sampling


def running(prompt: str, written: str = "", id: int = 1) -> Sequence:  # noqa: A002
    """An answer to ``prompt`` so far; every character is a token."""
    sequence = Sequence(Work(id, tuple(map(ord, prompt)), Sampling(seed=0), 1000), id)
    sequence.tokens += map(ord, written)
    return sequence


def guess(lookup: Lookup, sequence: Sequence, count: int = 6) -> str:
    return "".join(map(chr, lookup.propose([sequence], count)[0]))


def write(lookup: Lookup, sequence: Sequence, text: str) -> list[float]:
    """Write ``text`` token by token; return the outlook of the first guess before each."""
    first = []
    for character in text:
        first.append(next(iter(lookup.outlook(sequence)), 0.0))
        sequence.tokens.append(ord(character))
    return first


def test_goes_on_as_the_text_did_before() -> None:
    """Behind the same characters."""
    assert guess(Lookup(), running("the quick brown fox. the qu")) == "ick br"


def test_the_longest_match_counts() -> None:
    """Not the last one of a single character."""
    assert guess(Lookup(), running("abcdefX bY cdZ abcd"), 3) == "efX"


def test_new_text_promises_nothing() -> None:
    """Characters that never came before."""
    lookup = Lookup()
    assert lookup.outlook(running("abcdef")) == ()
    assert len(guess(lookup, running("abcdef"), 4)) == 4


def test_what_reaches_the_end_goes_round() -> None:
    """A text that repeats itself is guessed to do so on."""
    assert guess(Lookup(), running("xyzabcabc"), 7) == "abcabca"


def test_after_a_deviation_another_place_is_found() -> None:
    """An edited copy goes on being copied behind the edit."""
    lookup, sequence = Lookup(), running("one two three four five six seven|")
    write(lookup, sequence, "one two THREE four f")
    assert guess(lookup, sequence, 6) == "ive si"


def test_rates_rise_with_success_and_fall_with_failure() -> None:
    """As measured on this answer, whether or not anything was guessed."""
    lookup = Lookup()
    text = "the quick brown fox jumps over the lazy dog, and then it runs away. "
    rising = write(lookup, running(text, id=1), text)
    assert rising[-1] > 0.9
    letters = "abcdefghijklmnop"
    misled = running("".join(f"{one}{other}" for one in letters for other in letters), id=2)
    falling = write(lookup, misled, "azbycxdwevfugthsirjq")
    assert falling[-2] < 0.35


def test_other_answers_are_the_first_guide() -> None:
    """A new answer begins with what was found on others, and unlearns it at once."""
    lookup = Lookup()
    text = "the quick brown fox jumps over the lazy dog, and then it runs away. "
    write(lookup, running(text, id=1), text)
    fresh = running("abcdefgh;abc", id=2)
    before = lookup.outlook(fresh)[0]
    fresh.tokens += map(ord, "X-abc")
    assert before > 0.7
    assert lookup.outlook(fresh)[0] < 0.6


def test_prompts_teach_nothing() -> None:
    """How callers repeat themselves says nothing of how the model does."""
    lookup = Lookup()
    lookup.outlook(running("abc" * 50))
    assert lookup.outlook(running("xyxy", id=2))[0] == 0.5


@given(st.text("ab", min_size=1, max_size=60), st.integers(1, 15))
def test_outlooks_are_probabilities_that_fall(text: str, count: int) -> None:
    """For any text; there are as many guesses as were asked for, all of tokens of the text."""
    lookup, sequence = Lookup(), running("a", text)
    outlook = lookup.outlook(sequence)
    assert list(outlook) == sorted(outlook, reverse=True)
    assert all(0.0 < rate < 1.0 for rate in outlook)
    assert len(guess(lookup, sequence, count)) == count
    assert set(guess(lookup, sequence, count)) <= set("a" + text)


@given(st.lists(st.integers(0, 3), min_size=2, max_size=80), st.data())
def test_reading_piece_by_piece_is_reading_at_once(tokens: list[int], data: st.DataObject) -> None:
    """When it was asked makes no difference to the guesses."""
    text = "".join(map(str, tokens))
    border = data.draw(st.integers(1, len(text) - 1))
    lookup, sequence = Lookup(), running("0", text[:border])
    lookup.outlook(sequence)
    sequence.tokens += map(ord, text[border:])
    assert guess(lookup, sequence) == guess(Lookup(), running("0", text))
    assert lookup.outlook(sequence) == Lookup().outlook(running("0", text))


def test_forgets_answers() -> None:
    """What is kept of one goes with it; forgetting twice is no fault."""
    lookup, sequence = Lookup(), running("abab")
    lookup.outlook(sequence)
    lookup.forget(sequence)
    lookup.forget(sequence)
    assert not lookup._trails
