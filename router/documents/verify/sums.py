"""Whether totals are the sums that they claim to be."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from router.documents.verify.base import Claim
from router.documents.verify.numbers import number

_TOTAL = re.compile(r"\b(total|totals|sum|summe|gesamt|insgesamt|totaal|suma|somme|totale)\b", re.IGNORECASE)
# Rounded addends may miss their rounded sum by half a unit each.
_ROUNDING = Decimal("0.5")


class Sums:
    """``sums``: share of the totals that can be checked and come out, in rows and columns named so."""

    def measure(self, claim: Claim) -> Mapping[str, float]:
        """Score a reading."""
        grid = claim.reading.grid
        if grid is None:
            return {}
        rows = grid.slots()
        checks = [
            *_column_checks(rows),
            *_column_checks([list(column) for column in zip(*rows, strict=True)]),
        ]
        return {"sums": sum(checks) / len(checks)} if checks else {}


def _column_checks(rows: Sequence[Sequence[str]]) -> Iterator[bool]:
    """One check for each number in a row that is named a total, over the rows since the last total.

    A total that is checked both against all addends and those since the last total holds where one does.
    """
    start = 0
    for index, row in enumerate(rows):
        if not any(_TOTAL.search(text) for text in row[:1]):
            continue
        for column in range(1, len(row)):
            total = number(row[column])
            all_before = [number(other[column]) for other in rows[:index]]
            since = [value for value in all_before[start:] if value is not None]
            every = [value for value in all_before if value is not None]
            if total is not None and len(every) >= 2:
                yield _comes_out(total, since) or _comes_out(total, every)
        start = index + 1


def _comes_out(total: Decimal, addends: Sequence[Decimal]) -> bool:
    if len(addends) < 2:
        return False
    exponent = total.as_tuple().exponent
    unit = Decimal(1).scaleb(exponent) if isinstance(exponent, int) else Decimal(1)
    return abs(sum(addends, Decimal(0)) - total) <= _ROUNDING * unit * len(addends)
