"""List items and numbered headings of a DOCX: how deep they stand and which mark they bear."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from router.documents.parse.docx_text import W

_COUNTER = re.compile(r"%([1-9])")
_ROMAN = (
    *((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc")),
    *((50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")),
)
# Beyond it letters and Roman numbers are no more read than numbers.
_MOST_SPELT = 3999


@dataclass(frozen=True, slots=True)
class Item:
    """A list item; ``level`` counts from 1."""

    level: int
    marker: str


@dataclass(frozen=True, slots=True)
class _Level:
    """How a level counts, and what is written around the counters of it and of those above."""

    form: str = "bullet"
    pattern: str = ""
    start: int = 1


_PLAIN = _Level()


class Numbering:
    """Counts items, list by list and level by level, as Word does."""

    def __init__(self, document: Any) -> None:
        self._levels: dict[tuple[str, int], _Level] = {}
        self._counts: dict[tuple[str, int], int] = {}
        self._styles = _style_numbers(document)
        root = _numbering_root(document)
        if root is not None:
            self._read(root)

    def item(self, paragraph: Any, style: str) -> Item | None:
        """The item that a paragraph is; None: it is none. Asking counts it."""
        found = paragraph.find(f"{W}pPr/{W}numPr")
        number, level = _number(found) if found is not None else self._styles.get(style, (None, 0))
        if number is None:
            return Item(1, "-") if style.lower().startswith("list bullet") else None
        if number == "0":
            return None
        form = self._levels.get((number, level), _PLAIN)
        if form.form in ("bullet", "none"):
            return Item(level + 1, "-")
        self._counts = {key: n for key, n in self._counts.items() if key[0] != number or key[1] <= level}
        self._counts[number, level] = self._counts.get((number, level), form.start - 1) + 1
        return Item(level + 1, self._marker(number, form))

    def _marker(self, number: str, level: _Level) -> str:
        def counter(found: re.Match[str]) -> str:
            above = int(found[1]) - 1
            form = self._levels.get((number, above), _PLAIN)
            return _spelt(self._counts.get((number, above), form.start), form.form)

        return _COUNTER.sub(counter, level.pattern).strip()

    def _read(self, root: Any) -> None:
        abstract = {
            node.get(f"{W}abstractNumId"): {
                int(level.get(f"{W}ilvl")): _level(level) for level in node.findall(f"{W}lvl")
            }
            for node in root.findall(f"{W}abstractNum")
        }
        for number in root.findall(f"{W}num"):
            for index, level in abstract.get(_value(number, "abstractNumId"), {}).items():
                self._levels[number.get(f"{W}numId"), index] = level


def _level(node: Any) -> _Level:
    start = _value(node, "start") or "1"
    pattern = _value(node, "lvlText")
    own = f"%{int(node.get(f'{W}ilvl')) + 1}."
    form = _value(node, "numFmt") or "bullet"
    return _Level(form, own if pattern is None else pattern, int(start) if start.isdigit() else 1)


def _spelt(count: int, form: str) -> str:
    writer = _FORMS.get(form)
    return str(count) if writer is None or not 0 < count <= _MOST_SPELT else writer(count)


def _letter(count: int) -> str:
    """Word counts a to z, then aa to zz, then aaa."""
    return chr(ord("a") + (count - 1) % 26) * ((count - 1) // 26 + 1)


def _roman(count: int) -> str:
    said = ""
    for value, sign in _ROMAN:
        said += sign * (count // value)
        count %= value
    return said


_FORMS: Mapping[str, Callable[[int], str]] = {
    "lowerLetter": _letter,
    "upperLetter": lambda count: _letter(count).upper(),
    "lowerRoman": _roman,
    "upperRoman": lambda count: _roman(count).upper(),
    "decimalZero": lambda count: f"{count:02}",
}


def _numbering_root(document: Any) -> Any:
    for relation in document.part.rels.values():
        if relation.reltype.endswith("/numbering") and not relation.is_external:
            return relation.target_part.element
    return None


def _style_numbers(document: Any) -> dict[str, tuple[str | None, int]]:
    numbers = {}
    for style in document.styles:
        found = style.element.find(f"{W}pPr/{W}numPr")
        if found is not None:
            numbers[str(style.name)] = _number(found)
    return numbers


def _number(node: Any) -> tuple[str | None, int]:
    level = _value(node, "ilvl")
    return _value(node, "numId"), int(level) if level and level.isdigit() else 0


def _value(node: Any, name: str) -> str | None:
    found = node.find(f"{W}{name}")
    return None if found is None else found.get(f"{W}val")
