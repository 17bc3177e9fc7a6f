"""Putting a page together from parts as a splitter finds them: ids, order, spans, and who belongs to whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from router.documents.element import Element, Label, Page, Provenance, Reading, Word
from router.documents.errors import TooLarge
from router.documents.geometry import Box
from router.documents.marks import Mark
from router.documents.table import Grid

PARSER = "parser"
"""The engine whose reading is what the file itself says."""

_HEADINGS = (Label.TITLE, Label.SECTION_HEADER)


@dataclass(frozen=True, slots=True)
class Part:
    """What a splitter finds. ``text`` None: an image, which says nothing by itself."""

    label: Label
    text: str | None
    box: Box | None = None
    level: int = 1
    marker: str = ""
    grid: Grid | None = None
    words: tuple[Word, ...] = ()
    features: Mapping[str, float] = field(default_factory=dict)
    marks: tuple[Mark, ...] = ()


class Assembly:
    """Makes the elements of one document's pages; headings carry over from page to page."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._headings: list[tuple[int, str]] = []

    def page(
        self,
        number: int,
        page_count: int,
        size: tuple[float, float] | None,
        parts: list[Part],
        *,
        features: Mapping[str, float] | None = None,
        source_text: str | None = None,
    ) -> Page:
        """Assemble a page. ``source_text`` None: what the parts say. Raises TooLarge."""
        if len(parts) > self._limit:
            said = f"{len(parts)} elements, more than the {self._limit} of a page that are taken"
            raise TooLarge(said, page=number)
        elements, position, texts = [], 0, []
        for index, part in enumerate(parts, start=1):
            text = part.text or ""
            span = (position, position + len(text))
            position = span[1] + 1
            texts.append(text)
            elements.append(self._element(f"p{number}/e{index}", part, Provenance(number, part.box, span)))
        width, height = size or (None, None)
        said = "\n".join(texts) if source_text is None else source_text
        return Page(number, page_count, width, height, tuple(elements), dict(features or {}), said)

    def _element(self, name: str, part: Part, provenance: Provenance) -> Element:
        native = None if part.text is None else Reading(PARSER, part.text, part.grid)
        if part.label in _HEADINGS:
            level = 0 if part.label is Label.TITLE else part.level
            self._headings = [heading for heading in self._headings if heading[0] < level]
        parent = self._headings[-1][1] if self._headings else None
        if part.label in _HEADINGS:
            self._headings.append((level, name))
        return Element(
            name,
            part.label,
            provenance,
            part.level,
            parent,
            part.marker,
            native,
            part.words,
            dict(part.features),
            part.marks,
        )
