"""From a grammar in GBNF to one that llguidance reads.

A grammar without recursion becomes a single regular expression; the others become rules whose terminals
are the pieces that may be read greedily.
"""

from __future__ import annotations

from collections.abc import Mapping

from backends.llamacpp.engine.constraint.gbnf import read_grammar
from backends.llamacpp.engine.constraint.grammar_tree import Chars, Choice, Joined, Name, Node, Piece, Repeat
from backends.llamacpp.engine.constraint.pieces import cut
from backends.llamacpp.engine.constraint.productive import pruned

_MAX_LENGTH = 100_000


def lark_of(grammar: str) -> str:
    """Write ``grammar`` in the notation of Lark; raises ValueError if it cannot be read, met or held."""
    rules = pruned(read_grammar(grammar))
    trees = cut(rules)
    writer = _Writer(rules, {name: f"rule_{i}" if i else "start" for i, name in enumerate(trees)})
    return "\n".join(f"{writer.names[name]}: {writer.rule(tree)}" for name, tree in trees.items())


class _Writer:
    """Writes trees; ``names`` are those of the rules that stay rules."""

    def __init__(self, rules: Mapping[str, Node], names: Mapping[str, str]) -> None:
        self.names = names
        self._rules = rules
        self._patterns: dict[str, str] = {}

    def rule(self, tree: Node) -> str:
        """Write a tree of pieces as the body of a rule."""
        match tree:
            case Joined(parts):
                return " ".join(map(self.rule, parts)) or '""'
            case Choice(options):
                return "(" + " | ".join(map(self.rule, options)) + ")"
            case Repeat(part, least, most):
                return f"({self.rule(part)}){_times(least, most)}"
            case Name(name):
                return self.names[name]
            case Piece(node):
                return f"/{self.pattern(node)}/"
        raise AssertionError("all else lies within pieces")

    def pattern(self, node: Node) -> str:
        """Write a part without recursion as a regular expression."""
        match node:
            case Chars(ranges):
                text = "[" + "".join(f"\\x{{{low:x}}}-\\x{{{high:x}}}" for low, high in ranges) + "]"
            case Joined(parts):
                text = "".join(map(self.pattern, parts)) or "(?:)"
            case Choice(options):
                text = "(?:" + "|".join(map(self.pattern, options)) + ")"
            case Repeat(part, least, most):
                text = f"(?:{self.pattern(part)}){_times(least, most)}"
            case _:
                text = self._named(node)
        if len(text) > _MAX_LENGTH:
            raise ValueError("its rules are too long when they are written out")
        return text

    def _named(self, node: Node) -> str:
        assert isinstance(node, Name)
        if node.name not in self._patterns:
            self._patterns[node.name] = self.pattern(self._rules[node.name])
        return self._patterns[node.name]


def _times(least: int, most: int | None) -> str:
    return f"{{{least},{'' if most is None else most}}}"
