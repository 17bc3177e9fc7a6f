"""The parts of a document: what they are, where they stand, and what an engine reads in them.

Labels and provenance are named as docling names them. Refuses to know how a part is found, read or
written out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from router.documents.geometry import Box
from router.documents.marks import Mark
from router.documents.table import Grid


class Label(StrEnum):
    """What an element is."""

    TITLE = "title"
    SECTION_HEADER = "section_header"
    TEXT = "text"
    LIST_ITEM = "list_item"
    TABLE = "table"
    PICTURE = "picture"
    CHART = "chart"
    CAPTION = "caption"
    CODE = "code"
    FORMULA = "formula"
    FOOTNOTE = "footnote"
    FORM = "form"
    HANDWRITTEN_TEXT = "handwritten_text"
    PAGE_HEADER = "page_header"
    PAGE_FOOTER = "page_footer"


FURNITURE = frozenset({Label.PAGE_HEADER, Label.PAGE_FOOTER})
"""What stands on a page but belongs to no text that runs through the document."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where an element stands: page from 1, its box where the format has any, and its characters.

    ``span`` is the half-open range of its text in the text of its page.
    """

    page: int
    box: Box | None = None
    span: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Word:
    """A word on the page; ``confidence`` in [0, 1] is its reader's own, None: it gives none."""

    text: str
    box: Box
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What one engine makes of an element.

    ``cost_usd_micros`` is what reading it cost: computing time at the engine's nominal rate, or what the
    model tiers took. ``own_confidence`` is the engine's word for itself, in [0, 1]; None: it has none.
    """

    engine: str
    text: str
    grid: Grid | None = None
    words: tuple[Word, ...] = ()
    cost_usd_micros: float = 0.0
    own_confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Element:
    """One part of a document, before anybody has judged what it says.

    ``id`` is stable, unique in its document, and names page and place: ``p3/e12``. ``level`` is the depth of
    a heading or list item, from 1. ``parent`` is the id of the heading or list that it belongs to.
    ``native`` is what the file itself says; None: it is an image, and must be looked at. ``words`` are the
    text layer's words in its box. ``features`` are numbers that routing may go by. ``marks`` say how the
    native text is set.
    """

    id: str
    label: Label
    provenance: Provenance
    level: int = 1
    parent: str | None = None
    marker: str = ""
    native: Reading | None = None
    words: tuple[Word, ...] = ()
    features: Mapping[str, float] = field(default_factory=dict)
    marks: tuple[Mark, ...] = ()


def is_beside(element: Element) -> bool:
    """Whether it stands beside the text that runs through the document, as headers and comments do."""
    return element.label in FURNITURE or element.features.get("comment", 0.0) > 0


@dataclass(frozen=True, slots=True)
class Page:
    """A page: its size in points (None: the format has no pages), its elements in reading order.

    ``page_count`` is that of the whole document. ``source_text`` is all that the text layer says, for checks.
    """

    number: int
    page_count: int
    width: float | None
    height: float | None
    elements: tuple[Element, ...]
    features: Mapping[str, float] = field(default_factory=dict)
    source_text: str = ""
