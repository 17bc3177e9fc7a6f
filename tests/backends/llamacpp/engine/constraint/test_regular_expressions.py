"""Regular expressions mean while an answer is written what Python takes them for."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.errors import Refused
from backends.types import RegexFormat
from tests.backends.llamacpp.engine.constraint.spelling import Speller, words

ATOMS = st.sampled_from(["a", "b", "c", ".", "[ab]", "[^a]", "[a-c]", r"\d", r"\w", r"\s", "(?:ab|c)", r"\."])


def _repeated(pattern: str, low: int, more: int) -> str:
    return f"(?:{pattern}){{{low},{low + more}}}"


PATTERNS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda pair: f"(?:{pair[0]}|{pair[1]})"),
        st.builds(lambda part, mark: f"(?:{part}){mark}", inner, st.sampled_from("*+?")),
        st.builds(_repeated, inner, st.integers(0, 2), st.integers(0, 2)),
    ),
    max_leaves=6,
)
WORDS = words("abc. 1\n", 40, 6)


@given(PATTERNS, st.lists(st.text("abc1 ", max_size=6), max_size=5))
def test_agrees_with_python(spell: Speller, pattern: str, texts: list[str]) -> None:
    """On every text, whether it is one that was thought of or not."""
    form = RegexFormat(pattern)
    for text in [*texts, *WORDS[:12]]:
        assert spell.takes(form, text) == bool(re.fullmatch(pattern, text)), text


@given(PATTERNS, st.integers(0, 100))
def test_whatever_is_written_matches(spell: Speller, pattern: str, seed: int) -> None:
    """Drawn by chance, until the end."""
    written = spell.wander(RegexFormat(pattern), seed)
    assert written is None or re.fullmatch(pattern, written), written


@pytest.mark.parametrize(
    ("pattern", "right", "wrong"),
    [
        (r"(?i)yes|no", "YeS", "maybe"),
        (r"\x41\u0042\t", "AB\t", "AB"),
        (r"[\]\-^]+", "]-^", "\\"),
        (r"(?P<year>\d{4})-(0[1-9]|1[0-2])", "2024-12", "2024-13"),
        (r"^anchored$", "anchored", "anchored!"),
        (r"(?s:.)(?-s:.)", "\na", "\n\n"),
        (r"é+ü?", "ééü", "e"),
        (r"[^\W\d]+", "abc", "a1"),
        (r"a{3}", "aaa", "aa"),
        (r"", "", "a"),
    ],
)
def test_notations(spell: Speller, pattern: str, right: str, wrong: str) -> None:
    """Flags, escapes, classes, groups, anchors and counts."""
    assert re.fullmatch(pattern, right)
    assert not re.fullmatch(pattern, wrong)
    assert spell.takes(RegexFormat(pattern), right)
    assert not spell.takes(RegexFormat(pattern), wrong)


@pytest.mark.parametrize(
    "pattern",
    [
        r"(?=a)b",
        r"(?<!a)b",
        r"(a)\1",
        r"\bword\b",
        r"a++",
        r"(?>a|ab)c",
        r"(a)?(?(1)b|c)",
        "(",
        "[",
        "a{2,1}",
        "*",
    ],
)
def test_what_cannot_be_enforced_is_refused(spell: Speller, pattern: str) -> None:
    """With a reason, before anything is written."""
    with pytest.raises(Refused, match="regular expression cannot be enforced"):
        spell.start(RegexFormat(pattern))
