"""A table as a grid of cells, whichever engine read it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from router.documents.geometry import Box
from router.documents.marks import Mark


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell; ``row`` and ``column`` count from 0 and name its upper left slot."""

    text: str
    row: int
    column: int
    row_span: int = 1
    column_span: int = 1
    is_header: bool = False
    box: Box | None = None
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class Grid:
    """Cells in reading order on ``row_count`` by ``column_count`` slots; slots may be left empty."""

    row_count: int
    column_count: int
    cells: tuple[Cell, ...]

    def slots(self) -> list[list[str]]:
        """Text by row and column; a cell that spans is written in each of its slots."""
        return [["" if cell is None else cell.text for cell in row] for row in self.places()]

    def places(self) -> list[list[Cell | None]]:
        """The cell of each slot, by row and column; None: the slot is empty."""
        places: list[list[Cell | None]] = [[None] * self.column_count for _ in range(self.row_count)]
        for cell in self.cells:
            for row in range(cell.row, min(cell.row + cell.row_span, self.row_count)):
                for column in range(cell.column, min(cell.column + cell.column_span, self.column_count)):
                    places[row][column] = cell
        return places

    def columns(self) -> Iterator[list[Cell]]:
        """Cells that stand in one column alone, column by column, from top to bottom."""
        for index in range(self.column_count):
            yield [cell for cell in self.cells if cell.column == index and cell.column_span == 1]

    @property
    def text(self) -> str:
        """All texts, a tab between cells and a line for each row."""
        return "\n".join("\t".join(row).rstrip() for row in self.slots())


def grid_of(rows: Sequence[Sequence[str]], *, header_rows: int = 0) -> Grid:
    """A grid of plain texts; short rows are padded, and empty texts leave their slot empty."""
    width = max((len(row) for row in rows), default=0)
    cells = tuple(
        Cell(text, row, column, is_header=row < header_rows)
        for row, texts in enumerate(rows)
        for column, text in enumerate(texts)
        if text
    )
    return Grid(len(rows), width, cells)
