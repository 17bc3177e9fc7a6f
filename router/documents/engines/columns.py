"""Tables from where words stand: rows by their height, columns by the gaps that run through all rows.

No model and no ruling lines; a second opinion that costs next to nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from router.documents.element import Reading, Word
from router.documents.engines.base import Subject
from router.documents.engines.lines import rows_of
from router.documents.errors import EngineFailed
from router.documents.table import Cell, Grid
from router.documents.verify.table import is_number

# A gap as wide as this share of the words' height parts two cells; narrower ones part words.
_GAP_HEIGHTS = 0.9
# Rows that may run across a gap (titles, spanning headers): one of four, two of eight, then this share.
_BRIDGING_SHARE = 0.15
_ROWS_FOR_ONE, _ROWS_FOR_TWO = 4, 8
# Lines this near to the nearest two are lines of one cell, where other lines are as much farther apart.
_TIGHT, _WIDE, _WIDE_SHARE = 1.2, 1.35, 0.2


def read(subject: Subject) -> Iterator[Reading]:
    """Read a table in this process; a generator of one, as workers run."""
    words = subject.element.words
    if len(words) < 2:
        raise EngineFailed("the table has no text layer")
    grid = grid_of_words(words)
    yield Reading("columns", grid.text, grid)


def grid_of_words(words: Sequence[Word]) -> Grid:
    """Put ``words``, at least one, into a grid."""
    lines = rows_of(words)
    heights = sorted(word.box.bottom - word.box.top for word in words)
    gap = _GAP_HEIGHTS * max(heights[len(heights) // 2], 1.0)
    runs = [_runs(line, gap) for line in lines]
    edges = _edges(runs)
    rows = _joined([list(_cells(row, index, edges)) for index, row in enumerate(runs)], lines)
    cells = tuple(replace(cell, row=index) for index, row in enumerate(rows) for cell in row)
    return Grid(len(rows), len(edges) + 1, cells)


def _joined(rows: list[list[Cell]], lines: Sequence[Sequence[Word]]) -> list[list[Cell]]:
    """Rows whose cells go on from the line above, put together with it."""
    tops = [line[0].box.top for line in lines]
    steps = [below - above for above, below in pairwise(tops)]
    nearest = min(steps, default=0.0)
    wide = sum(step >= _WIDE * nearest for step in steps)
    is_told_apart = wide >= _WIDE_SHARE * max(len(steps), 1)
    joined = rows[:1]
    for row, step in zip(rows[1:], steps, strict=True):
        is_tight = is_told_apart and step <= _TIGHT * nearest
        if is_tight and _goes_on(joined[-1], row):
            joined[-1] = _together(joined[-1], row)
        else:
            joined.append(row)
    return joined


def _goes_on(above: Sequence[Cell], row: Sequence[Cell]) -> bool:
    """Whether every cell of ``row`` continues one above it; numbers and spanning headers do not."""
    spans = {cell.column: cell.column_span for cell in above}
    fits = all(spans.get(cell.column) == cell.column_span and not is_number(cell.text) for cell in row)
    return fits and len(row) < len(above)


def _together(above: Sequence[Cell], row: Sequence[Cell]) -> list[Cell]:
    more = {cell.column: cell.text for cell in row}
    return [
        replace(cell, text=f"{cell.text} {more[cell.column]}") if cell.column in more else cell
        for cell in above
    ]


def _runs(row: Sequence[Word], gap: float) -> list[list[Word]]:
    """Words of a row in runs without a wide gap."""
    runs: list[list[Word]] = [[row[0]]]
    for word in row[1:]:
        if word.box.left - runs[-1][-1].box.right > gap:
            runs.append([word])
        else:
            runs[-1].append(word)
    return runs


def _edges(rows: Sequence[Sequence[Sequence[Word]]]) -> list[float]:
    """Where columns part: the middles of gaps that all but a few rows leave free."""
    spans = [(run[0].box.left, run[-1].box.right) for row in rows for run in row if len(row) > 1]
    if not spans:
        return []
    events = sorted([(left, 1) for left, _ in spans] + [(right, -1) for _, right in spans])
    count = sum(len(row) > 1 for row in rows)
    allowed = max(_BRIDGING_SHARE * count, float(count >= _ROWS_FOR_ONE) + float(count >= _ROWS_FOR_TWO))
    edges, covering, gap_start = [], 0, None
    for place, change in events:
        before, covering = covering, covering + change
        if before > allowed >= covering:
            gap_start = place
        elif before <= allowed < covering and gap_start is not None:
            edges.append((gap_start + place) / 2)
            gap_start = None
    return edges


def _cells(row: Sequence[Sequence[Word]], row_index: int, edges: Sequence[float]) -> Iterator[Cell]:
    """A cell a run; runs that start in the same column are one."""
    columns: dict[int, list[Word]] = {}
    last: dict[int, int] = {}
    for run in row:
        first = sum(edge < (run[0].box.left + min(run[0].box.right, run[-1].box.right)) / 2 for edge in edges)
        columns.setdefault(first, []).extend(run)
        last[first] = max(last.get(first, first), sum(edge < run[-1].box.left for edge in edges))
    for column, words in columns.items():
        text = " ".join(word.text for word in words)
        yield Cell(text, row_index, column, 1, max(last[column] - column + 1, 1))
