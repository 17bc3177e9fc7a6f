"""Cuts a recursive grammar into pieces that may be read greedily without a change of what it allows.

llguidance reads in two stages: an automaton takes the longest piece of text that it can, and a parser
joins the pieces. Long pieces are fast; single characters are hundreds of times slower. But a piece
must not swallow the beginning of what follows it: of ``[a-z]* "b"`` nothing would be left for the "b". So
pieces start as long as can be, and are cut where one goes on with what may follow another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from backends.llamacpp.engine.constraint.grammar_tree import (
    Choice,
    Joined,
    Name,
    Node,
    Piece,
    Repeat,
    parts_of,
)
from backends.llamacpp.engine.constraint.greed import Greed
from backends.llamacpp.engine.constraint.positions import members

_MAX_RULE_COUNT = 500
_MAX_CUT_COUNT = 300


def cut(rules: Mapping[str, Node]) -> dict[str, Node]:
    """Return the rules that ``root`` needs as trees of pieces, ``root`` first.

    A rule that is not recursive itself stands in others as a piece. Raises ValueError where the grammar
    is too large for that.
    """
    if len(rules) > _MAX_RULE_COUNT:
        raise ValueError(f"it has {len(rules)} rules; at most {_MAX_RULE_COUNT} are taken")
    needed, recursive = _needed_and_recursive(rules)
    if "root" not in recursive:
        return {"root": Piece(rules["root"])}
    trees = {name: _pieces(rules[name], recursive) for name in needed if name in recursive}
    greed = Greed(rules)
    for _ in range(_MAX_CUT_COUNT):
        found = greed.find(trees)
        if found is None:
            return trees
        trees = {name: _replaced(tree, found[0], _halves(*found, rules)) for name, tree in trees.items()}
    raise ValueError("its rules run into each other in too many ways")


def _needed_and_recursive(rules: Mapping[str, Node]) -> tuple[list[str], set[str]]:
    """Names that ``root`` reaches, it first, and those of all that reach a rule which reaches itself."""
    number = {name: i for i, name in enumerate(rules)}
    reached = [sum({1 << number[name] for name in _names(node)}) for node in rules.values()]
    for i in range(len(reached)):
        for j, places in enumerate(reached):
            if places >> i & 1:
                reached[j] |= reached[i]
    names = list(rules)
    circular = sum(1 << i for i, places in enumerate(reached) if places >> i & 1)
    recursive = {names[i] for i, places in enumerate(reached) if (places | 1 << i) & circular}
    needed = [names[i] for i in members(reached[number["root"]]) if names[i] != "root"]
    return ["root", *needed], recursive


def _names(node: Node) -> Iterator[str]:
    if isinstance(node, Name):
        yield node.name
    for part in parts_of(node):
        yield from _names(part)


def _pieces(node: Node, recursive: set[str]) -> Node:
    """Make one piece of everything that stands together and is not recursive."""
    if recursive.isdisjoint(_names(node)):
        return Piece(node)
    match node:
        case Repeat(part, least, most):
            return Repeat(_pieces(part, recursive), least, most)
        case Choice(options):
            plain = tuple(option for option in options if recursive.isdisjoint(_names(option)))
            others = (_pieces(option, recursive) for option in options if option not in plain)
            return Choice((*((Piece(Choice(plain)),) if plain else ()), *others))
        case Joined(parts):
            return Joined(tuple(_joined_pieces(parts, recursive)))
    return node


def _joined_pieces(parts: tuple[Node, ...], recursive: set[str]) -> Iterator[Node]:
    plain: list[Node] = []
    for part in parts:
        if recursive.isdisjoint(_names(part)):
            plain.append(part)
            continue
        if plain:
            yield Piece(Joined(tuple(plain)))
            plain = []
        yield _pieces(part, recursive)
    if plain:
        yield Piece(Joined(tuple(plain)))


def _halves(piece: Piece, part: int, rules: Mapping[str, Node]) -> Node:
    """Cut ``piece`` before its part of that number, or open it up where there is nothing before."""
    match piece.node:
        case Joined(parts) if len(parts) > 1:
            border = part or 1
            return Joined((Piece(_single(parts[:border])), Piece(_single(parts[border:]))))
        case Joined(parts):
            return Joined(tuple(Piece(inner) for inner in parts))
        case Choice(options):
            return Choice(tuple(Piece(option) for option in options))
        case Repeat(inner, least, most):
            return Repeat(Piece(inner), least, most)
        case Name(name):
            return Piece(rules[name])
    raise AssertionError("a single character ends before anything can follow it")


def _single(parts: tuple[Node, ...]) -> Node:
    return parts[0] if len(parts) == 1 else Joined(parts)


def _replaced(tree: Node, old: Piece, new: Node) -> Node:
    match tree:
        case Joined(parts):
            return Joined(tuple(_replaced(part, old, new) for part in parts))
        case Choice(options):
            return Choice(tuple(_replaced(option, old, new) for option in options))
        case Repeat(part, least, most):
            return Repeat(_replaced(part, old, new), least, most)
    return new if tree is old else tree
