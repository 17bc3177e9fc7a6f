r"""From Python's regular expressions to those of the Rust library ``regex``, which llguidance reads.

The tree that Python itself makes of a pattern is written down anew, so that a pattern means here what
it means to whoever checks the answer: the two dialects differ in brackets, escapes and classes.
Where their ideas of letters and digits differ, the stricter holds. What looks around or back is
refused: no automaton can follow it.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from importlib import import_module
from typing import Any

# There is no public way to a pattern's tree, and so no types of it.
sre: Any = import_module("re._constants")
parser: Any = import_module("re._parser")

_REFUSED = {
    sre.ASSERT: "a lookahead or lookbehind",
    sre.ASSERT_NOT: "a lookahead or lookbehind",
    sre.GROUPREF: "a reference back to a group",
    sre.GROUPREF_EXISTS: "a condition on a group",
    sre.ATOMIC_GROUP: "an atomic group",
    sre.POSSESSIVE_REPEAT: "a possessive repeat",
}
_LETTERS = r"\p{L}\p{N}_"
_ASCII_LETTERS = "0-9A-Za-z_"
# What Python takes for sure.
_NARROW = {
    sre.CATEGORY_DIGIT: "0-9",
    sre.CATEGORY_NOT_DIGIT: r"\P{Nd}",
    sre.CATEGORY_SPACE: r"\s",
    sre.CATEGORY_NOT_SPACE: r"[^\s\x1c-\x1f]",
    sre.CATEGORY_WORD: _LETTERS,
    sre.CATEGORY_NOT_WORD: f"[^{_LETTERS}]",
}
# What it may take; this is what a negated class keeps out.
_WIDE = {
    sre.CATEGORY_DIGIT: r"\p{Nd}",
    sre.CATEGORY_NOT_DIGIT: "[^0-9]",
    sre.CATEGORY_SPACE: r"\s\x1c-\x1f",
    sre.CATEGORY_NOT_SPACE: r"\S",
    sre.CATEGORY_WORD: _LETTERS,
    sre.CATEGORY_NOT_WORD: f"[^{_ASCII_LETTERS}]",
}
# Under the flag ``a`` there is nothing to be unsure of.
_ASCII = {
    sre.CATEGORY_DIGIT: "0-9",
    sre.CATEGORY_NOT_DIGIT: "[^0-9]",
    sre.CATEGORY_SPACE: r"\t-\r ",
    sre.CATEGORY_NOT_SPACE: r"[^\t-\r ]",
    sre.CATEGORY_WORD: _ASCII_LETTERS,
    sre.CATEGORY_NOT_WORD: f"[^{_ASCII_LETTERS}]",
}


def rust_pattern(pattern: str, *, ascii_words: bool = False) -> str:
    r"""Write ``pattern`` for Rust; raises ValueError where that is impossible.

    ``ascii_words``: ``\w`` stands for ASCII only, as in JSON Schema. Anchors stay where they are.
    """
    try:
        with warnings.catch_warnings(action="ignore"):
            tree = parser.parse(pattern)
        return _Writer(tree.state.flags, ascii_words=ascii_words).sequence(tree)
    except (re.error, RecursionError, OverflowError) as exc:
        raise ValueError(f"the pattern cannot be read ({exc})") from exc


class _Writer:
    """Writes the parts of a pattern under the flags that hold there."""

    def __init__(self, flags: int, *, ascii_words: bool) -> None:
        self._flags = flags
        self._ascii_words = ascii_words

    def sequence(self, parts: Iterable[Any]) -> str:
        return "".join(self._part(kind, value) for kind, value in parts)

    def _part(self, kind: Any, value: Any) -> str:
        if kind in _REFUSED:
            raise ValueError(f"the pattern has {_REFUSED[kind]}, which cannot be enforced; write it without")
        match kind:
            case sre.LITERAL:
                text = self._cased(_character(value))
            case sre.NOT_LITERAL:
                text = self._cased(f"[^{_character(value)}]")
            case sre.ANY:
                text = "(?s:.)" if self._flags & re.DOTALL else r"[^\n]"
            case sre.IN:
                text = self._cased(self._class(value))
            case sre.BRANCH:
                text = "(?:" + "|".join(self.sequence(option) for option in value[1]) + ")"
            case sre.SUBPATTERN:
                text = self._group(*value)
            case sre.MAX_REPEAT | sre.MIN_REPEAT:
                text = self._repeat(*value)
            case _:
                text = self._anchor(value)
        return text

    def _group(self, _number: int | None, added: int, removed: int, parts: Iterable[Any]) -> str:
        inner = _Writer((self._flags | added) & ~removed, ascii_words=self._ascii_words)
        return f"(?:{inner.sequence(parts)})"

    def _repeat(self, least: int, most: int, parts: Iterable[Any]) -> str:
        limit = "" if most == sre.MAXREPEAT else most
        return f"(?:{self.sequence(parts)}){{{least},{limit}}}"

    def _anchor(self, where: Any) -> str:
        if where == sre.AT_BEGINNING_STRING or (where == sre.AT_BEGINNING and not self._flags & re.MULTILINE):
            return "^"
        if where == sre.AT_END_STRING or (where == sre.AT_END and not self._flags & re.MULTILINE):
            return "$"
        raise ValueError(r"the pattern has a border such as \b, which cannot be enforced; write it without")

    def _class(self, items: list[tuple[Any, Any]]) -> str:
        is_negated = items[0][0] is sre.NEGATE
        inside = "".join(self._item(kind, value, _WIDE if is_negated else _NARROW) for kind, value in items)
        return f"[^{inside}]" if is_negated else f"[{inside}]"

    def _item(self, kind: Any, value: Any, categories: dict[Any, str]) -> str:
        match kind:
            case sre.NEGATE:
                return ""
            case sre.LITERAL:
                return _character(value)
            case sre.RANGE:
                return f"{_character(value[0])}-{_character(value[1])}"
        if self._flags & re.ASCII:
            return _ASCII[value]
        is_ascii = self._ascii_words and categories is _NARROW and value is sre.CATEGORY_WORD
        return _ASCII_LETTERS if is_ascii else categories[value]

    def _cased(self, text: str) -> str:
        if not self._flags & re.IGNORECASE:
            return text
        if self._flags & re.ASCII:
            raise ValueError("the pattern has the flags a and i together, which cannot be enforced; drop one")
        return f"(?i:{text})"


def _character(code: int) -> str:
    return f"\\x{{{code:x}}}"
