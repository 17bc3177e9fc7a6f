"""Finds pieces of a grammar that are too greedy: they go on with what may follow another.

Pieces that may stand at the same place are read side by side, and the longest one wins. That is wrong
only where one piece may end, another goes on with a character, and that character may also follow
the first. The search looks at all pairs that can meet; it errs on the side of finding too many,
since repeats are not counted and rules not told apart by where they are used.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import product
from typing import NamedTuple

from backends.llamacpp.engine.constraint.grammar_tree import (
    Chars,
    Joined,
    Name,
    Node,
    Piece,
    Ranges,
    parts_of,
)
from backends.llamacpp.engine.constraint.positions import Positions, Span, members

# Characters of one piece, and pairs of them that are looked at in all; the latter take 0.2 s.
_MAX_PLACE_COUNT = 4_000
_MAX_STEP_COUNT = 300_000
# Visits of pieces while they are arranged anew after every cut, 0.5 s in all. JSON's grammar takes 138.
_MAX_VISIT_COUNT = 100_000


class _Automaton:
    """The position automaton of one piece: which characters its places take, and in which part they lie."""

    def __init__(self, node: Node, rules: Mapping[str, Node], alphabet: _Alphabet) -> None:
        self._rules = rules
        self._alphabet = alphabet
        self._visit_count = 0
        self._positions = Positions()
        self.chars: list[int] = []
        self.part: list[int] = []
        parts = node.parts if isinstance(node, Joined) else (node,)
        self.span = self._positions.joined(self._part_span(i, part) for i, part in enumerate(parts))
        self.follow = self._positions.follow
        self.heads = 0
        for place in members(self.span.first):
            self.heads |= self.chars[place]

    def _part_span(self, number: int, part: Node) -> Span:
        span = self._positions.span(part, self._leaf)
        self.part += [number] * (len(self.chars) - len(self.part))
        return span

    def _leaf(self, node: Node) -> Span:
        self._visit_count += 1
        if self._visit_count > _MAX_PLACE_COUNT:
            raise ValueError("its rules are too long when they are written out")
        if isinstance(node, Name):
            return self._positions.span(self._rules[node.name], self._leaf)
        assert isinstance(node, Chars)
        self.chars.append(self._alphabet.bits(node.ranges))
        return self._positions.add()


class _Alphabet:
    """The characters of a grammar, those that it never tells apart as one; sets of them are bits."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        borders = {0}
        todo = list(nodes)
        while todo:
            node = todo.pop()
            if isinstance(node, Chars):
                borders.update(code for low, high in node.ranges for code in (low, high + 1))
            todo += parts_of(node)
        self._borders = sorted(borders)

    def bits(self, ranges: Ranges) -> int:
        """The set of all characters of ``ranges``, whose ends are among the grammar's."""
        places = 0
        for low, high in ranges:
            start, end = bisect_left(self._borders, low), bisect_left(self._borders, high + 1)
            places |= (1 << end) - (1 << start)
        return places


class _Meeting(NamedTuple):
    """Two pieces that read the same text.

    ``goes_on``: by parts of the second, the characters by which it may go on where the first may end.
    ``is_same``: both may end at the same place.
    """

    goes_on: Mapping[int, int]
    is_same: bool


class Greed:
    """Finds pieces that are too greedy."""

    def __init__(self, rules: Mapping[str, Node]) -> None:
        self._rules = rules
        self._alphabet = _Alphabet(rules.values())
        self._automata: dict[Piece, _Automaton] = {}
        self._meetings: dict[tuple[Piece, Piece], _Meeting] = {}
        self._step_count = 0
        self._visit_count = 0

    def find(self, trees: Mapping[str, Node]) -> tuple[Piece, int] | None:
        """Return a piece that is too greedy and the number of the part of it that is; None: there is none.

        Raises ValueError where the grammar is too large to tell.
        """
        pieces, first, follow = self._arranged(trees)
        heads = [self._heads([pieces[i] for i in members(places)]) for places in follow]
        todo = list(product(members(first), repeat=2))
        seen = set(todo)
        while todo:
            one, other = todo.pop()
            meeting = self._meeting(pieces[one], pieces[other])
            for part, chars in meeting.goes_on.items():
                if chars & heads[one]:
                    return pieces[other], part
            beside = follow[one] | (follow[other] if meeting.is_same else 0)
            new = set(product(members(follow[one]), members(beside))) - seen
            todo += new
            seen |= new
        return None

    def _heads(self, pieces: Iterable[Piece]) -> int:
        """Characters that ``pieces`` may begin with."""
        heads = 0
        for piece in pieces:
            heads |= self._automaton(piece).heads
        return heads

    def _arranged(self, trees: Mapping[str, Node]) -> tuple[list[Piece], int, list[int]]:
        """The pieces of ``trees``, those that may come first of all, and those that may follow each."""
        positions = Positions()
        places: dict[Piece, Span] = {}
        known = dict.fromkeys(trees, Span(is_nullable=False, first=0, last=0))

        def leaf(node: Node) -> Span:
            if isinstance(node, Name):
                return known[node.name]
            assert isinstance(node, Piece)
            self._visit_count += 1
            if self._visit_count > _MAX_VISIT_COUNT:
                raise ValueError("its rules run into each other in too many ways")
            if node not in places:
                places[node] = positions.add(is_nullable=self._automaton(node).span.is_nullable)
            return places[node]

        while True:
            spans = {name: positions.span(tree, leaf) for name, tree in trees.items()}
            if spans == known:
                return list(places), known["root"].first, positions.follow
            known = spans

    def _automaton(self, piece: Piece) -> _Automaton:
        if piece not in self._automata:
            self._automata[piece] = _Automaton(piece.node, self._rules, self._alphabet)
        return self._automata[piece]

    def _meeting(self, one: Piece, other: Piece) -> _Meeting:
        if (one, other) not in self._meetings:
            self._meetings[one, other] = self._met(self._automaton(one), self._automaton(other))
        return self._meetings[one, other]

    def _met(self, one: _Automaton, other: _Automaton) -> _Meeting:
        goes_on: defaultdict[int, int] = defaultdict(int)
        is_same = False
        todo = self._shared(one, other, one.span.first, other.span.first)
        seen = set(todo)
        while todo:
            mine, its = todo.pop()
            if one.span.last >> mine & 1:
                is_same |= bool(other.span.last >> its & 1)
                for place in members(other.follow[its]):
                    goes_on[other.part[place]] |= other.chars[place]
            new = set(self._shared(one, other, one.follow[mine], other.follow[its])) - seen
            todo += new
            seen |= new
        return _Meeting(goes_on, is_same)

    def _shared(self, one: _Automaton, other: _Automaton, mine: int, its: int) -> list[tuple[int, int]]:
        """Pairs of places that may take the same character."""
        pairs = [(p, q) for p in members(mine) for q in members(its) if one.chars[p] & other.chars[q]]
        self._step_count += mine.bit_count() * its.bit_count()
        if self._step_count > _MAX_STEP_COUNT:
            raise ValueError("its rules run into each other in too many ways")
        return pairs
