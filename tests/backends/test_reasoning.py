"""Reasoning is told from the answer whatever the borders of the pieces."""

from hypothesis import given
from hypothesis import strategies as st

from backends.answer_text import AnswerText
from backends.reasoning import Piece, ReasoningSplitter

TAGS = ("<t>", "</t>")
PARTS = ["<t>", "</t>", "<", "/", "t", ">", " ", "\n", "word"]
TEXT = st.lists(st.sampled_from(PARTS), max_size=20).map("".join)


def split(text: str, length: int) -> Piece:
    """Feed ``text`` in pieces of ``length`` characters."""
    splitter = ReasoningSplitter(TAGS)
    result = Piece()
    for start in range(0, len(text), length):
        result += splitter.feed(text[start : start + length])
    return result + splitter.finish()


@given(TEXT, st.integers(1, 5))
def test_division_does_not_matter(text: str, length: int) -> None:
    """Pieces of any size give what the whole text gives."""
    assert split(text, length) == split(text, len(text) or 1)


@given(TEXT)
def test_loses_only_tags_and_white_space(text: str) -> None:
    """Every letter comes out on one side or the other."""
    result = split(text, 1)
    assert (result.text + result.reasoning).count("word") == text.count("word")


def test_trims_behind_the_end_tag() -> None:
    """White space right after the end tag is dropped, that within the answer is not."""
    assert split("<t>think</t>\n\n an answer ", 2) == Piece("an answer ", "think")


def test_unclosed_reasoning_stays_reasoning() -> None:
    """A model cut while it thinks has not answered."""
    assert split("<t>still think</", 3) == Piece("", "still think</")


def test_without_tags_all_is_text() -> None:
    """No tags configured: nothing is taken for reasoning."""
    assert ReasoningSplitter(None).feed("<t>x</t>") == Piece("<t>x</t>")


def test_stop_strings_hold_for_the_answer_only() -> None:
    """A stop string within the reasoning does not end the answer."""
    text = AnswerText(["\n"], TAGS)
    assert text.feed("<t>a\nb</t>c\nd") == Piece("c", "a\nb")
    assert text.stopped
