"""How long a pattern of Python's ``re`` may take at worst, told from the pattern alone.

The engine tries one way through a pattern after another and cannot be stopped. So the ways are
counted before it starts, from above: where the next character decides what comes next there is
one way, elsewhere all choices multiply. Refuses to know what patterns are for.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any

# There is no public way to a pattern's tree, and so no types of it.
sre: Any = import_module("re._constants")
parser: Any = import_module("re._parser")

# Sets of characters are bits: one for each of ASCII, four kinds of all others, one for the text's end.
_OTHER_KINDS = {r"\d": 1 << 128, r"\s": 1 << 129, r"\w": 1 << 130, r"\W": 1 << 131}
_OTHER = 0b1111 << 128
_END = 1 << 132
_ANY = _END - 1
_LETTERS = sum(1 << code for code in (*range(65, 91), *range(97, 123)))
# Flags under which characters are not what they seem: any case, and categories of ASCII only.
_LOOSE_FLAGS = re.compile(r"\(\?[a-zA-Z-]*[ai]")


def worst_step_count(pattern: str, character_count: int, *, search: bool = False) -> float:
    """Steps that ``pattern`` may take over a text of ``character_count`` at worst; may be infinite.

    ``search``: a match may begin anywhere. An upper bound, and a rough one; some 10 ns a step.
    Raises re.error where it is no pattern.
    """
    ways, is_anchored = _ways(pattern, character_count)
    return ways * (character_count + 1) ** (2 if search and not is_anchored else 1)


@lru_cache(maxsize=1024)
def _ways(pattern: str, character_count: int) -> tuple[float, bool]:
    """Ways through ``pattern``, and whether it can only begin where the text does."""
    try:
        tree = parser.parse(pattern)
        is_anchored = list(tree)[:1] == [(sre.AT, sre.AT_BEGINNING)] and not tree.state.flags & re.MULTILINE
        is_loose = _LOOSE_FLAGS.search(pattern) is not None
        return _Counter(character_count, is_loose=is_loose).ways(tree, _END), is_anchored
    except (RecursionError, OverflowError):
        return math.inf, False


class _Counter:
    """Counts ways through a parsed pattern; ``after`` is what may come behind the part counted."""

    def __init__(self, character_count: int, *, is_loose: bool) -> None:
        self._character_count = character_count
        self._is_loose = is_loose
        self._firsts: dict[tuple[int, int], int] = {}

    def ways(self, parts: Iterable[Any], after: int) -> float:
        """Ways through ``parts``, one behind the other."""
        product = 1.0
        for operator, argument in reversed(list(parts)):
            product *= self._part(operator, argument, after)
            after = self._first_of(operator, argument, after)
        return product

    def _part(self, operator: Any, argument: Any, after: int) -> float:
        if operator in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            least, most, body = argument
            return self._repeat(int(least), min(int(most), self._character_count + 1), body, after)
        if operator in (sre.ASSERT, sre.ASSERT_NOT):
            # Looked at anew from every position.
            return self.ways(argument[1], _ANY | _END) * (self._character_count + 1)
        branches = _branches(operator, argument)
        counts = [self.ways(branch, after) for branch in branches]
        firsts = [self._first(branch, after) for branch in branches]
        return max(counts, default=1.0) if _disjoint(firsts) else sum(counts)

    def _repeat(self, least: int, most: int, body: Sequence[Any], after: int) -> float:
        """Ways to repeat ``body``: those of each round, and how many rounds where that is open."""
        first = self._first(body, after)
        once = self.ways(body, after | first if most > 1 else after)
        rounds = 1 if _disjoint([first, after]) else max(1, most - least + 1)
        too_many = once > 1.0 and most * math.log2(once) > 60.0
        return math.inf if too_many else once**most * rounds

    def _first(self, parts: Iterable[Any], after: int) -> int:
        """Characters that ``parts`` and what comes after them may begin with."""
        key = id(parts), after
        if key not in self._firsts:
            for operator, argument in reversed(list(parts)):
                after = self._first_of(operator, argument, after)
            self._firsts[key] = after
        return self._firsts[key]

    def _first_of(self, operator: Any, argument: Any, after: int) -> int:
        if operator in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            least, most, body = argument
            return (self._first(body, after) if most else 0) | (after if least == 0 else 0)
        if operator in (sre.AT, sre.ASSERT, sre.ASSERT_NOT):
            return after
        if operator is sre.GROUPREF:
            return _ANY | after
        if branches := _branches(operator, argument):
            return _union(self._first(branch, after) for branch in branches)
        found = _characters(operator, argument)
        return found | _LETTERS | _OTHER if self._is_loose and found & (_LETTERS | _OTHER) else found


def _branches(operator: Any, argument: Any) -> list[Sequence[Any]]:
    """Parts of which one is taken; none for what takes a character or stands between two."""
    if operator is sre.BRANCH:
        return list(argument[1])
    if operator is sre.SUBPATTERN:
        return [argument[-1]]
    if operator is sre.ATOMIC_GROUP:
        return [argument]
    if operator is sre.GROUPREF_EXISTS:
        return [argument[1], argument[2] or ()]
    return []


def _characters(operator: Any, argument: Any) -> int:
    """Characters that a part of the length of one may take, or more."""
    if operator is sre.LITERAL:
        return 1 << argument if argument < 128 else _other(chr(argument))
    if operator is sre.NOT_LITERAL:
        return _ANY & ~(1 << argument if argument < 128 else 0)
    if operator is sre.RANGE:
        low, high = argument
        return sum(1 << code for code in range(low, min(high, 127) + 1)) | (_OTHER if high > 127 else 0)
    if operator is sre.CATEGORY:
        return _category(str(argument).rpartition("CATEGORY_")[2])
    if operator is sre.IN:
        is_negated = argument[0][0] is sre.NEGATE
        found = _union(_characters(*item) for item in argument[is_negated:])
        return (_ANY & ~found) | _OTHER if is_negated else found
    return _ANY


@lru_cache
def _category(name: str) -> int:
    letter = {"DIGIT": "d", "SPACE": "s", "WORD": "w"}.get(name.removeprefix("NOT_"))
    if letter is None:
        return _ANY
    found = sum(1 << code for code in range(128) if re.match(rf"\{letter}", chr(code)))
    found |= _OTHER_KINDS[rf"\{letter}"] | (_OTHER_KINDS[r"\d"] if letter == "w" else 0)
    return _ANY & ~found if name.startswith("NOT_") else found


def _other(character: str) -> int:
    """The kind of a character beyond ASCII; digits are words too."""
    return next(kind for pattern, kind in _OTHER_KINDS.items() if re.match(pattern, character))


def _disjoint(sets: Sequence[int]) -> bool:
    return sum(found.bit_count() for found in sets) == _union(sets).bit_count()


def _union(sets: Iterable[int]) -> int:
    joined = 0
    for found in sets:
        joined |= found
    return joined
