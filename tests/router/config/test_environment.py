"""References to the environment inside strings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.config.environment import expand

_PLAIN = st.text().filter(lambda text: "$" not in text)


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("${A}", "one"),
        ("x-${A}-${B}", "x-one-two"),
        ("${MISSING:-else}", "else"),
        ("${EMPTY:-else}", "else"),
        ("${MISSING:-}", ""),
        ("${A:-else}", "one"),
        ("$${A}", "${A}"),
        ("$5 and $A", "$5 and $A"),
    ],
)
def test_expands(text: str, expanded: str) -> None:
    """References become values, defaults where unset or empty, and `$${` is literal."""
    assert expand(text, {"A": "one", "B": "two", "EMPTY": ""}).text == expanded


def test_unset_is_named_and_kept() -> None:
    """A variable without value or default is reported and its reference stays."""
    expansion = expand("${NOPE}/${A}", {"A": "one"})
    assert (expansion.text, expansion.unset, expansion.values) == ("${NOPE}/one", ("NOPE",), ("one",))


def test_malformed_is_reported() -> None:
    """A reference that names no variable is reported, not guessed at."""
    assert expand("${1x}", {}).malformed == ("${1x}",)


@given(_PLAIN, st.text())
def test_values_are_not_expanded_again(around: str, value: str) -> None:
    """What comes out of the environment is taken literally, whatever it looks like."""
    expected = around + (value or "-")
    assert expand(around + "${V:--}", {"V": value}).text == expected


@given(_PLAIN)
def test_plain_text_stays(text: str) -> None:
    """Text without references is not touched."""
    assert expand(text, {}).text == text
