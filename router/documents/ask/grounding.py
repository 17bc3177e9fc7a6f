"""Whether a quote stands in the document, and where: what cannot be found there was made up."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from router.documents.ask.passages import Passage

_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Span:
    """Characters ``start`` to ``end`` of an element's text, and the words there."""

    element: str
    page: int
    start: int
    end: int
    quote: str


def located(quote: str, passages: Sequence[Passage]) -> Span | None:
    """Where the quote stands, whatever its spaces and capitals; None: nowhere."""
    wanted = _SPACE.sub("", quote).casefold()
    if not wanted:
        return None
    for passage in passages:
        folded, places = _folded(passage.text)
        at = folded.find(wanted)
        if at >= 0:
            start, end = places[at], places[at + len(wanted) - 1] + 1
            page = passage.outcome.element.provenance.page
            return Span(passage.id, page, start, end, passage.text[start:end])
    return None


def _folded(text: str) -> tuple[str, list[int]]:
    """The text without spaces in small letters, and where each of its characters stood."""
    characters, places = [], []
    for place, character in enumerate(text):
        for folded in character.casefold() if not character.isspace() else "":
            characters.append(folded)
            places.append(place)
    return "".join(characters), places
