"""How much of a claim can be granted, from what all books hold. Pure, and the same for every ledger."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from router.ledger.base import Claim, Grant

_NO_LIMIT = 1 << 62
"""Room where there is no ceiling: fits a signed 64-bit column, and leaves space to add."""


@dataclass(frozen=True, slots=True)
class DayTotal:
    """What a tenant's other books hold for a day, and what they spent of it, ended ones included."""

    day: date
    held_usd_micros: int
    spent_usd_micros: int


def granted(claim: Claim, held_usd_micros: int, day: date, others: Iterable[DayTotal]) -> Grant:
    """Decide on ``claim`` by a book of ``day``.

    ``held_usd_micros`` is what it holds so far, ``others`` all of the tenant's other money in that month.
    What was spent is a fact, also beyond the ceiling; and what is held is never taken away, only given back.
    """
    month = [total for total in others if (total.day.year, total.day.month) == (day.year, day.month)]
    today = [total for total in month if total.day == day]
    ceiling = claim.ceiling
    room = min(
        _room(ceiling.usd_micros_per_day, today),
        _room(ceiling.usd_micros_per_month, month),
    )
    kept = min(claim.wanted_usd_micros, held_usd_micros)
    held = max(claim.spent_usd_micros, kept, min(claim.wanted_usd_micros, room))
    return Grant(
        held_usd_micros=held,
        room_usd_micros=max(0, room - held),
        spent_today_usd_micros=claim.spent_usd_micros + sum(total.spent_usd_micros for total in today),
        spent_this_month_usd_micros=claim.spent_usd_micros + sum(t.spent_usd_micros for t in month),
    )


def _room(limit: int | None, totals: Iterable[DayTotal]) -> int:
    return _NO_LIMIT if limit is None else limit - sum(total.held_usd_micros for total in totals)
