"""Reads grammars in llama.cpp's notation GBNF.

As llama.cpp itself reads them, save that an alternative may also stand on a line of its own. Knows only
the notation; what a grammar allows is the business of ``lark``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NoReturn

from backends.llamacpp.engine.constraint.grammar_tree import (
    LAST_CODE,
    Chars,
    Choice,
    Joined,
    Name,
    Node,
    Repeat,
    without,
)

_MAX_DEPTH = 64
_SYMBOL = re.compile(
    r"""(?P<blank>[ \t]+|\#[^\r\n]*)
    |(?P<newline>\r\n|\r|\n)
    |(?P<literal>"(?:\\.|[^"\\])*")
    |(?P<chars>\[(?:\\.|[^\]\\])*\])
    |(?P<times>\{\s*\d+\s*(?:,\s*\d*\s*)?\}|[*+?])
    |(?P<name>[a-zA-Z0-9_-]+)
    |(?P<mark>::=|[().|])""",
    re.VERBOSE | re.DOTALL,
)
_CHARACTER = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([tnr\\\"\[\]-]))|([^\\])", re.DOTALL
)
_ESCAPES = {"t": "\t", "n": "\n", "r": "\r"}
_TIMES = {"*": (0, None), "+": (1, None), "?": (0, 1)}


def read_grammar(text: str) -> dict[str, Node]:
    """Return the rules of ``text`` by name; raises ValueError that says where it cannot be read."""
    reader = _Reader(text)
    rules = dict(reader.rules())
    missing = sorted(({"root"} | reader.names) - rules.keys())
    if missing:
        raise ValueError(f"it has no rule {missing[0][:80]!r}")
    return rules


class _Reader:
    """Goes through the symbols of one grammar."""

    def __init__(self, text: str) -> None:
        self.names: set[str] = set()
        self._text = text
        self._at = 0
        self._kind, self._symbol = "newline", ""
        self._advance()

    def rules(self) -> Iterator[tuple[str, Node]]:
        while self._skip_newlines():
            name = self._take("name")
            self._take("mark", "::=")
            yield name, self._choice(0)
            if self._kind not in ("newline", "end"):
                self._fail()

    def _choice(self, depth: int) -> Node:
        if depth > _MAX_DEPTH:
            raise ValueError(f"its brackets nest deeper than {_MAX_DEPTH} levels")
        self._skip_newlines()
        options = [self._joined(depth)]
        while self._bar_follows():
            self._take("mark", "|")
            self._skip_newlines()
            options.append(self._joined(depth))
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def _bar_follows(self) -> bool:
        start = self._at, self._kind, self._symbol
        self._skip_newlines()
        if self._symbol == "|":
            return True
        self._at, self._kind, self._symbol = start
        return False

    def _joined(self, depth: int) -> Node:
        parts: list[Node] = []
        while self._kind != "end" and self._symbol not in (")", "|"):
            if self._kind == "newline":
                if depth == 0:
                    break
                self._advance()
            elif self._kind == "times":
                if not parts:
                    self._fail()
                parts[-1] = Repeat(parts[-1], *_times(self._take("times")))
            else:
                parts.append(self._item(depth))
        return parts[0] if len(parts) == 1 else Joined(tuple(parts))

    def _item(self, depth: int) -> Node:
        if self._kind == "literal":
            codes = _codes(self._take("literal")[1:-1])
            return Joined(tuple(Chars(((code, code),)) for code, _ in codes))
        if self._kind == "chars":
            return _class_of(self._take("chars")[1:-1])
        if self._kind == "name":
            name = self._take("name")
            self.names.add(name)
            return Name(name)
        if self._symbol == ".":
            self._advance()
            return Chars(without(()))
        self._take("mark", "(")
        inner = self._choice(depth + 1)
        self._skip_newlines()
        self._take("mark", ")")
        return inner

    def _skip_newlines(self) -> bool:
        """Go to the next symbol that is none; False at the end."""
        while self._kind == "newline":
            self._advance()
        return self._kind != "end"

    def _take(self, kind: str, symbol: str | None = None) -> str:
        taken = self._symbol
        if self._kind != kind or (symbol is not None and taken != symbol):
            self._fail()
        self._advance()
        return taken

    def _advance(self) -> None:
        self._kind = "blank"
        while self._kind == "blank":
            found = _SYMBOL.match(self._text, self._at)
            if found is None:
                if self._at < len(self._text):
                    self._fail()
                self._kind, self._symbol = "end", ""
                return
            self._kind, self._symbol = str(found.lastgroup), found[0]
            self._at = found.end()

    def _fail(self) -> NoReturn:
        line = self._text.count("\n", 0, self._at) + 1
        raise ValueError(
            f"line {line} cannot be read as GBNF near {self._text[max(0, self._at - 20) : self._at + 20]!r}"
        )


def _class_of(text: str) -> Chars:
    is_negated = text.startswith("^")
    codes = _codes(text[is_negated:])
    ranges: list[tuple[int, int]] = []
    while codes:
        low, _ = codes.pop(0)
        high = low
        # A bar between two characters makes a range; an escaped one stands for itself.
        if len(codes) > 1 and codes[0] == (ord("-"), False):
            codes.pop(0)
            high, _ = codes.pop(0)
        ranges.append((low, high))
    outside = without(tuple(ranges))
    chars = outside if is_negated else without(outside)
    if not ranges or not chars:
        raise ValueError("it has an empty class of characters")
    return Chars(chars)


def _codes(text: str) -> list[tuple[int, bool]]:
    """Code points of ``text``, and whether each was escaped."""
    codes: list[tuple[int, bool]] = []
    at = 0
    while at < len(text):
        found = _CHARACTER.match(text, at)
        if found is None:
            raise ValueError(f"it has an unknown escape {text[at : at + 2]!r}")
        *numbers, letter, plain = found.groups()
        number = next(filter(None, numbers), None)
        code = int(number, 16) if number else ord(plain or _ESCAPES.get(letter, letter))
        if code > LAST_CODE:
            raise ValueError(f"it has the escape {found[0]!r}, which is no character")
        codes.append((code, plain is None))
        at = found.end()
    return codes


def _times(symbol: str) -> tuple[int, int | None]:
    if symbol in _TIMES:
        return _TIMES[symbol]
    least, comma, most = symbol[1:-1].partition(",")
    return int(least), (int(most) if most.strip() else None) if comma else int(least)
