"""Tables that headings between their rows took apart, put together again.

Decides by geometry: pieces that stand close below each other, end at the same right edge and have as many
columns are one table, and so is a short line between them that does not reach into its right half, unless
it is the caption of another table. Refuses to know what the rows say.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from router.documents.element import Label
from router.documents.geometry import Box, around
from router.documents.parse.assemble import Part
from router.documents.parse.wording import digit_share
from router.documents.table import Cell, Grid

_BETWEEN = frozenset({Label.TEXT, Label.SECTION_HEADER, Label.LIST_ITEM})
_MOST_BETWEEN = 2
_CAPTION = re.compile(r"\s*(table|tab\.|tabelle|tableau|tabla|figure|fig\.)\s*[\dIVX]", re.IGNORECASE)
# In heights of a line: more blank than that parts tables from each other.
_LARGEST_GAP = 4.0
# In points: edges of one table differ by less.
_TOLERANCE = 4.0


def rejoined(parts: Sequence[Part]) -> list[Part]:
    """``parts`` in their order; a table that was in pieces is one part, in the place of the first."""
    found: list[Part] = []
    for part in parts:
        place = _upper(found, part)
        if place is None:
            found.append(part)
        else:
            found[place:] = [_whole(found[place:], part)]
    return found


def _upper(found: Sequence[Part], lower: Part) -> int | None:
    """Where the piece above ``lower`` is, if it is of the same table; all that follows it lies between."""
    if lower.label is not Label.TABLE:
        return None
    for back, part in enumerate(reversed(found)):
        if part.label is Label.TABLE:
            between = found[len(found) - back :]
            return len(found) - back - 1 if _are_one(part, between, lower) else None
        if part.label not in _BETWEEN or back >= _MOST_BETWEEN:
            return None
    return None


def _are_one(upper: Part, between: Sequence[Part], lower: Part) -> bool:
    top, bottom = upper.box, lower.box
    if top is None or bottom is None or upper.grid is None or lower.grid is None:
        return False
    height = median([word.box.bottom - word.box.top for word in (*upper.words, *lower.words)] or [0.0])
    return (
        upper.grid.column_count == lower.grid.column_count
        and abs(top.right - bottom.right) <= _TOLERANCE
        and -_TOLERANCE <= bottom.top - top.bottom <= _LARGEST_GAP * height
        and all(_heads(part, around([top, bottom])) for part in between)
    )


def _heads(part: Part, table: Box) -> bool:
    """Whether it may be a heading among the rows of ``table``."""
    box = part.box
    return (
        box is not None
        and not _CAPTION.match(part.text or "")
        and table.left - _TOLERANCE <= box.left
        and box.right <= (table.left + table.right) / 2
        and table.top <= box.top
        and box.bottom <= table.bottom
    )


def _whole(upper: Sequence[Part], lower: Part) -> Part:
    """One table of the pieces and what lies between them."""
    first, pieces = upper[0], (*upper, lower)
    cells: list[Cell] = []
    row_count = 0
    for piece in pieces:
        grid = piece.grid or Grid(1, 1, (Cell(piece.text or "", 0, 0, box=piece.box),))
        cells += [replace(cell, row=cell.row + row_count) for cell in grid.cells]
        row_count += grid.row_count
    assert first.grid is not None, "only tables with a grid are put together"
    grid = Grid(row_count, first.grid.column_count, tuple(cells))
    area = sum(piece.features.get("area", 0.0) for piece in pieces)
    return replace(
        first,
        text=grid.text,
        box=around([piece.box for piece in pieces if piece.box is not None]),
        grid=grid,
        words=tuple(word for piece in pieces for word in piece.words),
        features={**first.features, "area": min(area, 1.0), "digit_share": digit_share(grid.text)},
    )
