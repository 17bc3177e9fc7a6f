"""Log-probabilities of the tokens that are the answer."""

from __future__ import annotations

import pytest

from backends.types import Message, Prompt, Role, TokenLogprob
from policies.signals.answer_span import AnswerSpan, span_of
from policies.signals.base import Answer


def answer(*pairs: tuple[str, float]) -> Answer:
    tokens = tuple(TokenLogprob(text, logprob, logprob - 1.0, 0.5 - logprob) for text, logprob in pairs)
    return Answer(Prompt((Message(Role.USER, "?"),)), "".join(text for text, _ in pairs), tokens=tokens)


def test_only_the_conclusion_counts() -> None:
    """Doubt about the words around it is not doubt about the answer."""
    measured = AnswerSpan().measure(
        answer(
            ("We", -5.0), (" add", -4.0), (". The answer is ", -3.0), ("1", -0.1), ("2", -0.3), (".", -2.0)
        )
    )
    assert measured["span_logprob_sum"] == pytest.approx(-0.4)
    assert measured["span_logprob_first"] == pytest.approx(-0.1)
    assert measured["span_logprob_min"] == pytest.approx(-0.3)
    assert measured["span_margin_min"] == pytest.approx(1.0)
    assert measured["span_entropy_max"] == pytest.approx(0.8)


def test_a_token_counts_where_any_of_its_characters_does() -> None:
    """Tokens are not cut at the edges of the answer."""
    tokens = tuple(TokenLogprob(text, -1.0) for text in ("a", " 1", "2k", "m"))
    assert [token.text for token in span_of(tokens, "12")] == [" 1", "2k"]
    assert span_of(tokens, "13") == span_of(tokens, "") == ()


def test_the_last_place_counts() -> None:
    """What was said on the way is not the answer."""
    tokens = (TokenLogprob("12", -9.0), TokenLogprob(" no, ", -1.0), TokenLogprob("12", -0.5))
    assert span_of(tokens, "12") == tokens[2:]


def test_without_conclusion_or_tokens_nothing_is_said() -> None:
    """Absence means not known."""
    assert AnswerSpan().measure(answer()) == {}
    bare = Answer(Prompt((Message(Role.USER, "?"),)), "The answer is 12.")
    assert AnswerSpan().measure(bare) == {}
    elsewhere = Answer(bare.prompt, bare.text, tokens=(TokenLogprob("thirteen", -1.0),))
    assert AnswerSpan().measure(elsewhere) == {}
