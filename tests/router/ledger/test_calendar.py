"""Days and months of UTC's."""

from __future__ import annotations

from datetime import date

import pytest

from router.ledger.calendar import day_of, month_of, seconds_to_next_day, seconds_to_next_month
from tests.router.ledger.clock import at


@pytest.mark.parametrize(
    ("now", "day_s", "month_s"),
    [
        ("2026-11-27 09:30", 52_200, 52_200 + 3 * 86_400),
        ("2026-12-31 23:59:59", 1, 1),
        ("2028-02-28 00:00", 86_400, 2 * 86_400),
    ],
)
def test_money_comes_back_at_midnight(now: str, day_s: float, month_s: float) -> None:
    """Of the day, and of the month; midnight itself is the new day's."""
    assert (seconds_to_next_day(at(now)), seconds_to_next_month(at(now))) == (day_s, month_s)


def test_a_month_has_its_own_length() -> None:
    """Leap years too."""
    assert month_of(date(2028, 2, 29)) == (date(2028, 2, 1), date(2028, 2, 29))
    assert month_of(date(2026, 12, 5)) == (date(2026, 12, 1), date(2026, 12, 31))


def test_a_day_begins_at_midnight() -> None:
    """One second makes the difference."""
    midnight = at("2026-11-28 00:00")
    assert (day_of(midnight - 1), day_of(midnight)) == (date(2026, 11, 27), date(2026, 11, 28))
