"""Adjacency relations of a table: who stands beside and above whom.

The measure of the ICDAR 2013 table competition (Göbel et al., "A methodology for evaluating algorithms for
table understanding in PDF documents", DocEng 2012), used for scoring and for comparing two readings.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from router.documents.table import Cell, Grid

Relation = tuple[str, str, str]
_IGNORED = re.compile(r"[\s\W_]+")
_KEPT = re.compile(r"\S")


def relations(grid: Grid) -> Counter[Relation]:
    """Pairs of neighbouring, non-empty cells, with the direction from the first to the second.

    Empty slots between two cells are passed over, as the competition does.
    """
    slots: dict[tuple[int, int], Cell] = {}
    for cell in grid.cells:
        for row in range(cell.row, cell.row + cell.row_span):
            for column in range(cell.column, cell.column + cell.column_span):
                slots[row, column] = cell
    found: set[tuple[int, int, str]] = set()
    by_id = {id(cell): cell for cell in grid.cells}
    for place, cell in slots.items():
        for direction, other in _neighbours(grid, slots, place, cell):
            found.add((id(cell), id(other), direction))
    return Counter(
        (normal(by_id[first].text), normal(by_id[second].text), way)
        for first, second, way in sorted(
            found, key=lambda item: (by_id[item[0]].row, by_id[item[0]].column, item[2])
        )
    )


def _neighbours(
    grid: Grid, slots: dict[tuple[int, int], Cell], place: tuple[int, int], cell: Cell
) -> Iterator[tuple[str, Cell]]:
    row, column = place
    for across in range(column + 1, grid.column_count):
        other = slots.get((row, across))
        if other is not None:
            if other is not cell:
                yield "right", other
            break
    for down in range(row + 1, grid.row_count):
        other = slots.get((down, column))
        if other is not None:
            if other is not cell:
                yield "down", other
            break


def relation_f1(first: Grid, second: Grid) -> float:
    """F1 of the two tables' relations in [0, 1], symmetric; 1 where neither has any and the texts agree."""
    ours, theirs = relations(first), relations(second)
    total = sum(ours.values()) + sum(theirs.values())
    if not total:
        return float(normal(first.text) == normal(second.text))
    return 2.0 * sum((ours & theirs).values()) / total


def normal(text: str) -> str:
    """The text without spaces and signs, as the competition compares; signs alone stay."""
    stripped = _IGNORED.sub("", text).casefold()
    return stripped or "".join(_KEPT.findall(text))
