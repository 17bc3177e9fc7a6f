"""Dates brought to ISO form: from words, from figures, and counted on or back over month ends."""

from calendar import monthrange
from datetime import date, timedelta
from random import Random

from examples.pocket.tasks.sample import Sample
from examples.pocket.tasks.words import MONTHS

_ASK = ("{} as ISO date?", "ISO date: {}", "Normalise {}.", "Write {} as YYYY-MM-DD.")


def _any_day(rng: Random) -> date:
    return date(2010, 1, 1) + timedelta(days=rng.randrange(7305))


def _in_words(rng: Random, day: date) -> str:
    month = MONTHS[day.month - 1]
    short = rng.choice((month, month[:3]))
    return rng.choice((f"{day.day} {short} {day.year}", f"{short} {day.day}, {day.year}"))


def _from_words(rng: Random) -> tuple[str, date, str]:
    day = _any_day(rng)
    return _in_words(rng, day), day, f"{MONTHS[day.month - 1]} {day.month:02}"


def _from_figures(rng: Random) -> tuple[str, date, str]:
    day, mark = _any_day(rng), rng.choice("/.")
    month_first = rng.random() < 0.5
    figures = [day.month, day.day] if month_first else [day.day, day.month]
    order = "month first" if month_first else "day first"
    written = mark.join(str(figure) for figure in (*figures, day.year % 100))
    return f"{written} ({order})", day, f"month {day.month} day {day.day}"


def _working(start: date, days: int) -> str:
    total = start.day + days
    sign = "+" if days > 0 else "-"
    steps = f"{start.year}-{start.month:02}-{start.day:02}:{start.day}{sign}{abs(days)}={total}"
    if total < 1:
        before = start.replace(day=1) - timedelta(days=1)
        return f"{steps},{MONTHS[before.month - 1]} {before.day},{before.day}-{-total}={before.day + total}"
    length = monthrange(start.year, start.month)[1]
    if total <= length:
        return f"{steps},{MONTHS[start.month - 1]} {length},same"
    return f"{steps},{MONTHS[start.month - 1]} {length},{total}-{length}={total - length}"


def _counted(rng: Random) -> tuple[str, date, str]:
    start, days = _any_day(rng), rng.choice((1, -1)) * rng.randint(3, 28)
    way = "after" if days > 0 else "before"
    written = f"{abs(days)} days {way} {_in_words(rng, start)}"
    return written, start + timedelta(days=days), _working(start, days)


_FORMS = {1: _from_words, 2: _from_figures, 3: _counted}


def make(rng: Random, level: int) -> Sample:
    """Returns one date to normalise, in the years 2010 to 2029."""
    written, day, reasoning = _FORMS[level](rng)
    return Sample("date", level, rng.choice(_ASK).format(written), day.isoformat(), reasoning)
