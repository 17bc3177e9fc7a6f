"""Tables that run over pages: which one goes on on the next page, told by where they stand and their columns.

The parts stay elements of their own, each with its place; what goes on is said beside them.
"""

from __future__ import annotations

from collections.abc import Mapping

from router.documents.element import Label, is_beside
from router.documents.outcome import Document, Outcome, SettledPage

# A table that goes on ends in the lower part of its page, and the next begins in the upper part of its own.
_LOW, _HIGH = 0.7, 0.3


def continued(document: Document) -> Mapping[str, str]:
    """The element that each continued part goes on from, by id."""
    found: dict[str, str] = {}
    for above, below in zip(document.pages, document.pages[1:], strict=False):
        last, first = _body(above)[-1:], _body(below)[:1]
        if last and first and _goes_on(above, last[0], below, first[0]):
            found[first[0].element.id] = last[0].element.id
    return found


def _body(page: SettledPage) -> list[Outcome]:
    return [one for one in page.outcomes if not is_beside(one.element) and one.text.strip()]


def _goes_on(above: SettledPage, last: Outcome, below: SettledPage, first: Outcome) -> bool:
    tables = [one.reading.grid for one in (last, first) if one.element.label is Label.TABLE and one.reading]
    ends, begins = last.element.provenance.box, first.element.provenance.box
    if len(tables) != 2 or tables[0] is None or tables[1] is None or ends is None or begins is None:
        return False
    has_place = ends.bottom >= _LOW * (above.page.height or 0) and begins.top <= _HIGH * (
        below.page.height or 0
    )
    return has_place and tables[0].column_count == tables[1].column_count
