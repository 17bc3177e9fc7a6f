"""Stand-ins go in, values come back: whole, in pieces, in JSON, and token by token."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.types import TokenLogprob
from policies.pii.restoration import Opening, RestoredText, RestoredTokens
from policies.pii.scan import scan
from policies.pii.stand_ins import StandIns, redacted
from policies.registry import DETECTORS

KINDS = DETECTORS.names()
VALUES = (
    "ada@example.org", "grace@example.com", "4111 1111 1111 1111", "DE89370400440532013000",
    "+49 30 901820", "078-05-1120", "192.0.2.44", "sk-abcdefghijklmnopqrstuvwxyz",
)  # fmt: skip
TRAPS = (
    "<EMAIL_1>",
    "<EMAIL_2>",
    "<CARD_1>",
    "<",
    ">",
    "_1>",
    "<EMA",
    "IL_1>",
    "<EMAIL_01>",
    "<X_9>",
    "\\",
    '"',
)

pieces = st.lists(st.sampled_from(VALUES) | st.sampled_from(TRAPS) | st.text(max_size=8), max_size=12)
texts = pieces.map(" ".join) | pieces.map("".join)


def cuts(text: str, places: list[int]) -> list[str]:
    """``text`` cut at ``places``, taken modulo its length."""
    edges = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    return [text[start:end] for start, end in pairwise(edges)]


def restored(stand_ins: StandIns, parts: list[str]) -> str:
    stream = RestoredText(stand_ins, Opening(stand_ins))
    return "".join([*map(stream.feed, parts), stream.finish()])


@given(st.lists(texts, max_size=4), st.lists(st.integers(0, 10_000), max_size=20))
def test_restoring_gives_what_was_there(messages: list[str], places: list[int]) -> None:
    """For any texts, those that hold stand-ins of their own included, whole and however the stream is cut."""
    hidden, stand_ins = redacted(messages, KINDS)
    assert [stand_ins.restored(text) for text in hidden] == messages
    assert [restored(stand_ins, cuts(text, places)) for text in hidden] == messages


@given(st.lists(texts, max_size=4))
def test_nothing_that_is_found_is_left(messages: list[str]) -> None:
    """No value is in any text any more, as itself, where it was found."""
    hidden, stand_ins = redacted(messages, KINDS)
    for before, after in zip(messages, hidden, strict=True):
        found = {before[one.start : one.end] for one in scan(before, KINDS)}
        assert found <= set(stand_ins.values.values())
        assert len(scan(before, KINDS)) == len(stand_ins.spans(after))


def test_equal_values_share_a_stand_in_across_messages() -> None:
    """Numbers count by kind, in the order in which values come first."""
    hidden, stand_ins = redacted(
        ["ada@example.org, +49 30 901820", "grace@example.com and ada@example.org"], KINDS
    )
    assert hidden == ("<EMAIL_1>, <PHONE_1>", "<EMAIL_2> and <EMAIL_1>")
    assert stand_ins.values["<EMAIL_2>"] == "grace@example.com"


def test_a_stand_in_that_the_text_has_already_is_not_used() -> None:
    """What the caller wrote that way comes back that way."""
    hidden, stand_ins = redacted(["<EMAIL_1> is no address, ada@example.org is"], KINDS)
    assert hidden == ("<EMAIL_1> is no address, <EMAIL_2> is",)
    assert stand_ins.restored("<EMAIL_1> <EMAIL_2>") == "<EMAIL_1> ada@example.org"


def test_no_log_shows_the_values() -> None:
    """Its representation says how many there are, and no more."""
    _, stand_ins = redacted(["ada@example.org"], KINDS)
    assert repr(stand_ins) == "StandIns(1)"


@pytest.mark.parametrize(
    ("part", "passes"),
    [
        ("plain", "plain"),
        ("a < b", "a < b"),
        ("x <", "x "),
        ("x <EMA", "x "),
        ("<b>", "<b>"),
        ("<EMAIL_7", "<EMAIL_7"),
    ],
)
def test_nothing_but_the_beginning_of_a_stand_in_is_held_back(part: str, passes: str) -> None:
    """A stand-in that is not in use begins nothing either."""
    _, stand_ins = redacted(["ada@example.org"], KINDS)
    assert RestoredText(stand_ins, Opening(stand_ins)).feed(part) == passes


def test_values_are_escaped_where_the_answer_is_json() -> None:
    """Quotes, backslashes and line ends of a value do not break the string that it comes to stand in."""
    key = '-----BEGIN PRIVATE KEY-----\nA"\\B\n-----END PRIVATE KEY-----'
    (hidden,), stand_ins = redacted([key], KINDS)
    answer = json.dumps({"key": hidden})
    stream = RestoredText(stand_ins, Opening(stand_ins), lambda value: json.dumps(value)[1:-1])
    assert json.loads(stream.feed(answer) + stream.finish()) == {"key": key}


def tokens_of(parts: list[str]) -> list[TokenLogprob]:
    return [
        TokenLogprob(part, -0.1 * place, top=((part, -0.1 * place), ("?", -9.0)))
        for place, part in enumerate(parts)
    ]


@given(texts, st.lists(st.integers(0, 10_000), max_size=30), st.integers(1, 5))
def test_tokens_join_to_the_text(text: str, places: list[int], size: int) -> None:
    """However the text falls into tokens, and tokens into pieces: as many come out, each with its number."""
    (hidden,), stand_ins = redacted([text], KINDS)
    tokens = tokens_of(cuts(hidden, places))
    stream = RestoredTokens(stand_ins, Opening(stand_ins))
    fed = [stream.feed(tokens[start : start + size]) for start in range(0, len(tokens), size)]
    told = [token for part in [*fed, stream.finish()] for token in part]
    assert "".join(token.text for token in told) == text
    assert [token.logprob for token in told] == [token.logprob for token in tokens]
    assert all(token.top[0] == (token.text, token.logprob) for token in told)


def test_the_first_token_of_a_stand_in_has_its_value() -> None:
    """What a token holds beyond the stand-in stays where it was."""
    _, stand_ins = redacted(["ada@example.org"], KINDS)
    stream = RestoredTokens(stand_ins, Opening(stand_ins))
    assert stream.feed(tokens_of(["to <", "EMAIL"])) == ()
    told = stream.feed(tokens_of(["_1", ">.", " Bye"]))
    assert [token.text for token in told] == ["to ada@example.org", "", "", ".", " Bye"]
