"""How ranges of a text are set, and a text with its marks as Markdown.

Decides what must be escaped so that Markdown says what the text says. Refuses to know who set the marks.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise


class Style(StrEnum):
    """What a mark does to its characters."""

    BOLD = "bold"
    ITALIC = "italic"
    STRIKE = "strike"
    CODE = "code"
    LINK = "link"
    FORMULA = "formula"
    """LaTeX between dollars, which stand in the text."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A half-open range of a text that is set in ``style``; ``target`` is where a link leads."""

    start: int
    end: int
    style: Style
    target: str = ""


_SIGNS = {Style.ITALIC: "*", Style.BOLD: "**", Style.STRIKE: "~~"}
# Only what Markdown would take for a sign of its own: a stray star is left to stand as it is.
_SPECIAL = re.compile(r"\\(?=[!-/:-@\[-`{-~])|`|\*(?=\S)|(?<=\S)\*|(?<!\w)_(?=\S)|(?<=\S)_(?!\w)|\](?=[(\[])")
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_ENTITY = re.compile(r"&(?=#?\w+;)")


def escaped(text: str) -> str:
    """Plain text as Markdown that says the same, but for what only the start of a line makes special."""
    return _TAG.sub("&lt;", _ENTITY.sub("&amp;", _SPECIAL.sub(r"\\\g<0>", text)))


def marked(text: str, marks: Sequence[Mark]) -> str:
    """The text as inline Markdown, with its marks."""
    return "".join(_set(piece, styles) for piece, styles in pieces(text, marks))


def pieces(text: str, marks: Sequence[Mark]) -> Iterator[tuple[str, tuple[Mark, ...]]]:
    """The longest stretches over which no mark begins or ends, each with its marks; in one sweep."""
    begins: defaultdict[int, list[Mark]] = defaultdict(list)
    ends: defaultdict[int, list[Mark]] = defaultdict(list)
    for mark in marks:
        if mark.start < min(mark.end, len(text)):
            begins[mark.start].append(mark)
            ends[min(mark.end, len(text))].append(mark)
    now: dict[Mark, None] = {}
    for start, end in pairwise(sorted({0, len(text), *begins, *ends})):
        for mark in ends[start]:
            now.pop(mark, None)
        now.update(dict.fromkeys(begins[start]))
        yield text[start:end], tuple(now)


def _set(piece: str, marks: tuple[Mark, ...]) -> str:
    """One stretch in its signs; spaces stay outside them, or Markdown would not take them for signs."""
    inner = piece.strip()
    styles = {mark.style for mark in marks}
    if not inner or not styles:
        return escaped(piece)
    said = _code(inner) if Style.CODE in styles else inner if Style.FORMULA in styles else escaped(inner)
    for style, sign in _SIGNS.items():
        if style in styles:
            said = f"{sign}{said}{sign}"
    target = next((mark.target for mark in marks if mark.style is Style.LINK), "")
    if target:
        said = f"[{said}]({_address(target)})"
    before = piece[: len(piece) - len(piece.lstrip())]
    return f"{before}{said}{piece[len(before) + len(inner) :]}"


def _code(text: str) -> str:
    """Fenced by more backticks than it has in a row."""
    fence = "`" * (1 + max(map(len, re.findall(r"`+", text)), default=0))
    space = " " if text[:1] == "`" or text[-1:] == "`" else ""
    return f"{fence}{space}{text}{space}{fence}"


def _address(target: str) -> str:
    return f"<{target}>" if re.search(r"[\s()]", target) else target
