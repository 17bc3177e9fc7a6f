"""Days and months of money: UTC's, so that every server agrees on them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta


def day_of(now_s: float) -> date:
    """The day of a time in seconds since 1970."""
    return datetime.fromtimestamp(now_s, UTC).date()


def month_of(day: date) -> tuple[date, date]:
    """First and last day of the month of ``day``."""
    first = day.replace(day=1)
    return first, _next_month(first) - timedelta(days=1)


def seconds_to_next_day(now_s: float) -> float:
    """Seconds from ``now_s`` to the next day; above 0."""
    return _start_s(day_of(now_s) + timedelta(days=1)) - now_s


def seconds_to_next_month(now_s: float) -> float:
    """Seconds from ``now_s`` to the next month; above 0."""
    return _start_s(_next_month(day_of(now_s))) - now_s


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)


def _start_s(day: date) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
