"""What is seen of a prompt."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from backends.types import JsonSchemaFormat, Message, Prompt, Role
from policies.features import features_hash, features_of


def ask(text: str) -> Prompt:
    return Prompt((Message(Role.USER, text),))


@given(st.lists(st.tuples(st.sampled_from(Role), st.text()), max_size=4))
def test_any_prompt_has_the_same_names_and_finite_values(turns: list[tuple[Role, str]]) -> None:
    """Order and names are fixed, whatever the text."""
    features = features_of(Prompt(tuple(Message(role, text) for role, text in turns)))
    assert list(features) == list(features_of(ask("")))
    assert all(math.isfinite(value) for value in features.values())


def test_marks_of_difficulty_are_counted() -> None:
    """Numbers, dates, options, lists, operators, negations and code each move their own feature."""
    plain = features_of(ask("tell me about the sea"))
    marked = features_of(
        ask("Do not use 2024-05-01:\n- 12 + 3,456\nA. yes\nB. no\n```x == y```\nIf so, explain Ann's sum?")
    )
    for name in (
        *("number_count", "date_count", "option_count", "list_line_count", "operator_count", "line_count"),
        *("negation_count", "code_mark_count", "condition_count", "reasoning_count", "possessive_count"),
        *("question_mark_count", "quantifier_count", "digit_share"),
    ):
        assert marked[name] > plain[name], name


def test_the_request_is_described_beside_its_text() -> None:
    """Turns, the system message and the form asked for count, too."""
    prompt = Prompt(
        (Message(Role.SYSTEM, "Be brief."), Message(Role.USER, "Hi"), Message(Role.ASSISTANT, "Yes?")),
        response_format=JsonSchemaFormat({}),
    )
    features = features_of(prompt)
    assert features["json_schema_asked"] == 1.0
    assert features["assistant_turn_count"] == math.log1p(1)
    assert features["system_char_count"] == math.log1p(9)


def test_words_are_found_alike_in_ascii_and_beyond() -> None:
    """The fast path for ASCII counts as the general one does."""
    assert features_of(ask("don't sort it"))["word_count"] == features_of(ask("don't sort ït"))["word_count"]


def test_a_very_long_prompt_is_read_at_its_ends() -> None:
    """Its length is known, its middle is not looked at."""
    features = features_of(ask("a " * 20_000 + "7" + " b" * 20_000))
    assert features["number_count"] == 0.0
    assert features["char_count"] == math.log1p(80_001)


def test_the_hash_names_the_features() -> None:
    """Equal features have equal hashes on every machine; others differ."""
    assert features_hash(features_of(ask("one"))) == features_hash(features_of(ask("one")))
    assert features_hash(features_of(ask("one"))) != features_hash(features_of(ask("three")))
    assert features_hash({"a": 0.5}) == "d26d97d5ed87ef59"
