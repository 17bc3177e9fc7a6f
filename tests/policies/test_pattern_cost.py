"""How long a pattern may take is told before it runs, and never too low."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.signals.pattern_cost import worst_step_count

# As in what is tested.
sre: Any = import_module("re._constants")
parser: Any = import_module("re._parser")


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+",
        "(a|a)*b",
        "(?i)(k|\u212ab)*x",
        "(a?)*b",
        "(?:a*)*",
        "(\\w+\\s?)*$",
        "((?=.*x)a)*",
        "(?:a{0,1000}){1000}",
        "(?:|)" * 200,
        "a?" * 200 + "a" * 200,
        "(" * 150 + "a" + ")*" * 150,
        "(" * 400 + ")*" * 400,
    ],
)
def test_exponential_patterns_take_too_many_steps(pattern: str) -> None:
    """Whatever could outlast the server counts as more than can ever be run."""
    assert worst_step_count(pattern, 200) > 1e15


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "\\d{4}-\\d{2}-\\d{2}",
        "(?:\\d{1,3}\\.){3}\\d{1,3}",
        "(cat|dog)+",
        "(a|b|c)*d",
        "(a|ab)*c",
        "\\s*[a-z]+\\s*=\\s*\\d+\\s*",
        "yes|no|maybe",
        '[^"]*"',
        "\\w+\\W+\\w+",
        "(?:(a)|b)(?(1)c|d)",
    ],
)
def test_what_the_next_character_decides_takes_one_way(pattern: str) -> None:
    """Common patterns cost a step a character."""
    assert worst_step_count(pattern, 1000) == 1001


@pytest.mark.parametrize(("pattern", "power"), [(".*foo", 2), (".*a.*b", 3), ("[\\w.]+@[\\w.]+\\.\\w+", 2)])
def test_open_choices_multiply(pattern: str, power: int) -> None:
    """Each repeat whose end is open costs another factor of the text's length."""
    assert worst_step_count(pattern, 1000) == pytest.approx(1e3**power, rel=0.01)


def test_a_search_may_begin_anywhere() -> None:
    """It is tried from every character."""
    assert worst_step_count("ab", 99, search=True) == 100**2
    assert worst_step_count("^a|b", 99, search=True) == 100**2
    assert worst_step_count("(?m)^ab", 99, search=True) == 100**2


def test_an_anchored_search_begins_once() -> None:
    """Only at the text's beginning."""
    assert worst_step_count("^ab", 99, search=True) == 100


PATTERNS = st.recursive(
    st.sampled_from(["a", "b", "[ab]", "."]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map("(?:{0[0]}|{0[1]})".format),
        st.tuples(inner, st.sampled_from(["*", "?", "{1,3}"])).map("(?:{0[0]}){0[1]}".format),
    ),
    max_leaves=6,
)


def ends(parts: Sequence[Any], text: str, start: int) -> Iterator[int]:
    """Where each way through ``parts`` ends, as an engine that tries all of them finds out."""
    if not parts:
        yield start
        return
    (operator, argument), rest = parts[0], parts[1:]
    for end in _part_ends(operator, argument, text, start):
        yield from ends(rest, text, end)


def _part_ends(operator: Any, argument: Any, text: str, start: int) -> Iterator[int]:
    if operator is sre.MAX_REPEAT:
        least, most, body = argument
        yield from _rounds(least, most, body, text, start)
    elif operator is sre.SUBPATTERN:
        yield from ends(list(argument[-1]), text, start)
    elif operator is sre.BRANCH:
        for branch in argument[1]:
            yield from ends(list(branch), text, start)
    elif start < len(text) and _takes(operator, argument, text[start]):
        yield start + 1


def _rounds(least: int, most: int, body: Any, text: str, start: int) -> Iterator[int]:
    if most > 0:
        for end in ends(list(body), text, start):
            if end > start:
                yield from _rounds(max(least - 1, 0), most - 1, body, text, end)
    if least == 0:
        yield start


def _takes(operator: Any, argument: Any, character: str) -> bool:
    if operator is sre.IN:
        return any(_takes(kind, wanted, character) for kind, wanted in argument)
    return operator is sre.ANY or ord(character) == argument


@given(PATTERNS, st.text("ab", max_size=7))
def test_the_count_is_never_below_the_ways_there_are(pattern: str, text: str) -> None:
    """An engine that tries every way to its end finds no more of them than were counted."""
    found = sum(1 for _ in islice(ends(list(parser.parse(pattern)), text, 0), 5_000))
    assert found <= worst_step_count(pattern, len(text))
