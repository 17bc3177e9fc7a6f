"""Which leaves of a tree may begin it, end it and follow each other.

The position automaton of Glushkov (1961, "The abstract theory of automata", section 3), for trees of
any leaves: characters of a regular expression, or pieces of a grammar. Sets are bits of integers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from backends.llamacpp.engine.constraint.grammar_tree import Choice, Joined, Node, Repeat


class Span(NamedTuple):
    """Whether a tree may be empty, and the leaves that may come first and last in it."""

    is_nullable: bool
    first: int
    last: int


EMPTY = Span(is_nullable=True, first=0, last=0)


class Positions:
    """Collects, for every leaf, the leaves that may ``follow`` it."""

    def __init__(self) -> None:
        self.follow: list[int] = []

    def add(self, *, is_nullable: bool = False) -> Span:
        """Make a new leaf."""
        place = 1 << len(self.follow)
        self.follow.append(0)
        return Span(is_nullable, place, place)

    def span(self, tree: Node, leaf: Callable[[Node], Span]) -> Span:
        """Go through ``tree``; ``leaf`` says what stands for a part that is none of the three kinds."""
        match tree:
            case Joined(parts):
                return self.joined(self.span(part, leaf) for part in parts)
            case Choice(options):
                spans = [self.span(option, leaf) for option in options]
                return Span(
                    any(s.is_nullable for s in spans),
                    _union(s.first for s in spans),
                    _union(s.last for s in spans),
                )
            case Repeat(part, least, most):
                if most == 0:
                    return EMPTY
                span = self.span(part, leaf)
                if most is None or most > 1:
                    self._link(span.last, span.first)
                return span._replace(is_nullable=span.is_nullable or least == 0)
        return leaf(tree)

    def joined(self, spans: Iterable[Span]) -> Span:
        """Put ``spans`` one behind the other."""
        whole = EMPTY
        for span in spans:
            self._link(whole.last, span.first)
            whole = Span(
                whole.is_nullable and span.is_nullable,
                whole.first | (span.first if whole.is_nullable else 0),
                span.last | (whole.last if span.is_nullable else 0),
            )
        return whole

    def _link(self, before: int, after: int) -> None:
        for place in members(before):
            self.follow[place] |= after


def members(places: int) -> Iterator[int]:
    """Yield the numbers of the bits that are set."""
    while places:
        lowest = places & -places
        yield lowest.bit_length() - 1
        places ^= lowest


def _union(sets: Iterable[int]) -> int:
    joined = 0
    for places in sets:
        joined |= places
    return joined
