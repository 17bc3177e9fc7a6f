"""The cells of an HTML table, put where their spans leave room, as the HTML standard's algorithm does."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace
from typing import Any

from router.documents.parse.html_inline import inline_text
from router.documents.table import Cell, Grid

# Spans beyond these are the standard's own bounds; a page could ask for billions of slots.
_MOST_COLUMNS = 1000
_MOST_ROWS = 65_534
_MOST_SLOTS = 1_000_000


def grid_from(table: Any) -> Grid:
    """Read a selectolax ``table`` node; tables inside it are text of their cell."""
    taken: set[tuple[int, int]] = set()
    cells: list[Cell] = []
    rows = [row for row in table.css("tr") if _owner(row, "table") == table]
    for row_index, row in enumerate(rows):
        column = 0
        for node in row.css("td, th"):
            if _owner(node, "table") != table or _owner(node, "tr") != row:
                continue
            while (row_index, column) in taken:
                column += 1
            cell = _cell(node, row_index, column, len(rows))
            if len(taken) + cell.row_span * cell.column_span > _MOST_SLOTS:
                break
            taken |= {
                (cell.row + down, cell.column + across)
                for down in range(cell.row_span)
                for across in range(cell.column_span)
            }
            cells.append(cell)
            column += cell.column_span
    width = 1 + max((column for _, column in taken), default=-1)
    return _without_hidden_rows(Grid(len(rows), width, tuple(cell for cell in cells if cell.text)))


def _without_hidden_rows(grid: Grid) -> Grid:
    """Without rows whose every cell goes on below: such a row has no height, and nobody sees it."""
    seen = [
        index
        for index, row in enumerate(grid.places())
        if not any(row) or any(cell and cell.row + cell.row_span == index + 1 for cell in row)
    ]
    if len(seen) == grid.row_count:
        return grid
    cells = []
    for cell in grid.cells:
        first, last = bisect_left(seen, cell.row), bisect_left(seen, cell.row + cell.row_span)
        cells.append(replace(cell, row=first, row_span=last - first))
    return Grid(len(seen), grid.column_count, tuple(cells))


def _cell(node: Any, row: int, column: int, row_count: int) -> Cell:
    row_span = _span(node, "rowspan", _MOST_ROWS) or row_count - row
    text, marks = inline_text(node)
    return Cell(
        text=text,
        marks=marks,
        row=row,
        column=column,
        row_span=min(row_span, row_count - row),
        column_span=max(_span(node, "colspan", _MOST_COLUMNS), 1),
        is_header=node.tag == "th" or (node.parent.parent is not None and node.parent.parent.tag == "thead"),
    )


def _span(node: Any, name: str, most: int) -> int:
    raw = (node.attributes.get(name) or "1").strip()
    return min(int(raw), most) if raw.isascii() and raw.isdigit() else 1


def _owner(node: Any, tag: str) -> Any:
    node = node.parent
    while node is not None and node.tag != tag:
        node = node.parent
    return node
