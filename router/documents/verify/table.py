"""Whether a table looks like one: filled, rectangular, one kind of value a column."""

from __future__ import annotations

import re
from collections.abc import Mapping

from router.documents.verify.base import Claim

_NUMBER = re.compile(r"^[\s(\[+\-–−$€£¥]*\d[\d\s.,'’]*[)\]%\s$€£¥*]*$")
_LEAST_CELLS = 3


class TableShape:
    """``filled``: share of slots that a cell covers; ``regular``: share of rows as full as the usual row;
    ``proper``: 1 for two rows and columns and more.
    """  # noqa: D205

    def measure(self, claim: Claim) -> Mapping[str, float]:
        """Score a reading."""
        grid = claim.reading.grid
        if grid is None:
            return {"proper": 0.0} if claim.element.label == "table" else {}
        per_row = [0] * grid.row_count
        for cell in grid.cells:
            for row in range(cell.row, min(cell.row + cell.row_span, grid.row_count)):
                per_row[row] += cell.column_span
        slots = max(grid.row_count * grid.column_count, 1)
        usual = max(set(per_row), key=per_row.count, default=0)
        return {
            "filled": min(sum(per_row) / slots, 1.0),
            "regular": sum(count == usual for count in per_row) / max(len(per_row), 1),
            "proper": float(grid.row_count >= 2 and grid.column_count >= 2),
        }


class ColumnTypes:
    """``typed``: mean over columns of the share of cells of the column's commoner kind, number or not."""

    def measure(self, claim: Claim) -> Mapping[str, float]:
        """Score a reading."""
        grid = claim.reading.grid
        if grid is None:
            return {}
        shares = []
        for cells in grid.columns():
            kinds = [is_number(cell.text) for cell in cells if not cell.is_header][1:]
            if len(kinds) >= _LEAST_CELLS:
                shares.append(max(sum(kinds), len(kinds) - sum(kinds)) / len(kinds))
        return {"typed": sum(shares) / len(shares)} if shares else {}


def is_number(text: str) -> bool:
    """Whether a cell holds a number, with a sign, a currency or a percent sign or not."""
    return bool(_NUMBER.match(text))
