"""Grammars in GBNF: what they take is what a plain reader of the same grammar takes."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from backends.errors import Refused
from backends.types import GrammarFormat
from tests.backends.llamacpp.engine.constraint.plain_grammar import Part, matches, written
from tests.backends.llamacpp.engine.constraint.spelling import Speller, words

ARITHMETIC = r"""
root   ::= sum
sum    ::= term (("+" | "-") term)*
term   ::= number | "(" sum ")"
number ::= [0-9]+ ("." [0-9]{1,2})?
"""
CASES = {
    "literals and escapes": (r'root ::= "a\n\t\"\\" "\x41\u00e9"', ['a\n\t"\\Aé'], ["a", "aA"]),
    "alternatives": ('root ::= "yes" | "no" | ""', ["yes", "no", ""], ["y", "yesno"]),
    "classes": (r"root ::= [a-c_\-\]]+ [^0-9\n]", ["ab-]x", "__é"], ["ab1", "x"]),
    "any character": ("root ::= . .", ["ab", "é\n"], ["a", "abc"]),
    "repetition": (
        'root ::= "a"* "b"+ "c"? "d"{2} "e"{1,3} "f"{2,}',
        ["bddeff", "aabbcddeeefff"],
        ["bdef", "ddeff"],
    ),
    "recursion": (ARITHMETIC, ["1", "(1+2.5)-((3))", "1+1+1"], ["(1", "1+", "1.234", ""]),
    "right recursion": ('root ::= "a" root | "b"', ["b", "aaab"], ["a", "ba"]),
    "middle recursion": ('root ::= "(" root ")" | ""', ["", "((()))"], ["(()", ")("]),
    "left recursion": ('root ::= root "a" | "b"', ["b", "baaa"], ["ab", ""]),
    "comments and lines": (
        '# all\nroot ::= # it\n  "a"\n  | other\nother ::= ("b"\n  "c")',
        ["a", "bc"],
        ["b", "abc"],
    ),
    "greedy beginnings": ('root ::= [a-z]* "b" | "(" root ")"', ["b", "abab", "((xb))"], ["a", "(b"]),
    "empty rule": ("root ::=", [""], ["a"]),
    "ways without end": ('root ::= "a" | "b" loop* | "c" loop\nloop ::= "d" loop', ["a", "b"], ["c", "bd"]),
    "long characters": (r"root ::= [😀-😂]+ [\U0001F600]", ["😁😀"], ["😁", "😀x"]),
}


@pytest.mark.parametrize("name", CASES)
def test_notation(spell: Speller, name: str) -> None:
    """Every part of it."""
    grammar, right, wrong = CASES[name]
    form = GrammarFormat(grammar)
    assert [text for text in right if not spell.takes(form, text)] == []
    assert [text for text in wrong if spell.takes(form, text)] == []


def test_what_is_written_by_chance_can_be_computed(spell: Speller) -> None:
    """A recursive grammar is kept to the end of the answer."""
    answers = [spell.wander(GrammarFormat(ARITHMETIC), seed, limit=60) for seed in range(30)]
    ended = [answer for answer in answers if answer is not None]
    assert len(ended) > 10
    for answer in ended:
        assert re.fullmatch(r"[0-9.()+-]+", answer)
        float(eval(re.sub(r"\b0+(?=\d)", "", answer), {}))


LEAVES: st.SearchStrategy[Part] = st.one_of(
    st.sampled_from(["a", "b", "ab", "ba"]).map(lambda text: ("text", text)),
    st.sampled_from(["ab", "bc"]).map(lambda chars: ("class", chars)),
    st.sampled_from(["root", "one", "two"]).map(lambda name: ("rule", name)),
)
BODIES: st.SearchStrategy[Part] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: ("all", parts)),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: ("any", parts)),
        st.builds(
            lambda part, low, more: ("times", part, low, None if more == 3 else low + more),
            inner,
            st.integers(0, 2),
            st.integers(0, 3),
        ),
    ),
    max_leaves=5,
)
GRAMMARS = st.fixed_dictionaries({"root": BODIES, "one": BODIES, "two": BODIES})
WORDS = words("abc", 30, 6)


@given(GRAMMARS, st.lists(st.text("abc", max_size=6), max_size=4))
def test_agrees_with_a_plain_reader(spell: Speller, grammar: dict[str, Part], texts: list[str]) -> None:
    """Recursive in any way or not; a grammar that is too hard may be refused, never misread."""
    form = GrammarFormat(written(grammar))
    try:
        spell.start(form).close()
    except Refused:
        assume(False)
    for text in [*texts, *WORDS[:10]]:
        assert spell.takes(form, text) == matches(grammar, text), (written(grammar), text)


@given(GRAMMARS, st.integers(0, 50))
def test_whatever_is_written_is_in_the_language(spell: Speller, grammar: dict[str, Part], seed: int) -> None:
    """Drawn by chance, where it comes to an end within a few tokens."""
    try:
        text = spell.wander(GrammarFormat(written(grammar)), seed, limit=12)
    except Refused:
        return
    assert text is None or len(text) > 24 or matches(grammar, text)


def test_no_way_without_end_is_begun(spell: Speller) -> None:
    """What could be begun but never be completed cannot be begun."""
    grammar = GrammarFormat('root ::= "a" | "b" loop\nloop ::= "c" loop')
    assert not spell.begins(grammar, "b")


@pytest.mark.parametrize(
    "grammar",
    [
        "",
        "root",
        'start ::= "a"',
        "root ::= missing",
        'root ::= "a',
        "root ::= [a",
        "root ::= []",
        "root ::= (",
        'root ::= "a" )',
        "root ::= *",
        r'root ::= "\q"',
        'root ::= "a"{3,1}',
        r'root ::= "\U00FFFFFF"',
        "root ::= root",
        'root ::= "a" root',
    ],
)
def test_what_is_no_grammar_is_refused(spell: Speller, grammar: str) -> None:
    """Or one that nothing can meet."""
    with pytest.raises(Refused, match="grammar cannot be enforced"):
        spell.start(GrammarFormat(grammar))
