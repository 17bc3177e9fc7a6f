"""List items of a DOCX: how deep they stand and which mark they bear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from router.documents.parse.docx_text import W


@dataclass(frozen=True, slots=True)
class Item:
    """A list item; ``level`` counts from 1."""

    level: int
    marker: str


class Numbering:
    """Counts items, list by list and level by level, as Word does."""

    def __init__(self, document: Any) -> None:
        self._formats: dict[tuple[str, int], str] = {}
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
        form = self._formats.get((number, level), "bullet")
        if form in ("bullet", "none"):
            return Item(level + 1, "-")
        self._counts = {key: n for key, n in self._counts.items() if key[0] != number or key[1] <= level}
        count = self._counts[number, level] = self._counts.get((number, level), 0) + 1
        return Item(level + 1, f"{count}.")

    def _read(self, root: Any) -> None:
        abstract = {
            node.get(f"{W}abstractNumId"): {
                int(level.get(f"{W}ilvl")): _value(level, "numFmt") for level in node.findall(f"{W}lvl")
            }
            for node in root.findall(f"{W}abstractNum")
        }
        for number in root.findall(f"{W}num"):
            levels = abstract.get(_value(number, "abstractNumId"), {})
            for level, form in levels.items():
                self._formats[number.get(f"{W}numId"), level] = form or "bullet"


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
