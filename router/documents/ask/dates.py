"""Dates as people write them, and whether day and month could be meant the other way round."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january januar janvier enero jan ene",
            "february februar février febrero feb fév",
            "march märz mars marzo mar mär",
            "april avril abril apr avr abr",
            "may mai mayo",
            "june juni juin junio jun",
            "july juli juillet julio jul",
            "august août agosto aug ago",
            "september septembre septiembre sep sept",
            "october oktober octobre octubre oct okt",
            "november novembre noviembre nov",
            "december dezember décembre diciembre dec dez déc dic",
        ),
        start=1,
    )
    for name in names.split()
}
_ISO = re.compile(r"\b(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})\b")
_NUMERIC = re.compile(r"\b(\d{1,2})\s?[-/.]\s?(\d{1,2})\s?[-/.]\s?(\d{4}|\d{2})\b")
_DAY_MONTH = re.compile(r"\b(\d{1,2})(?:st|nd|rd|th)?\.?[ -]([^\W\d_]{3,9})\.?,?[ -](\d{4}|\d{2})\b")
_MONTH_DAY = re.compile(r"\b([^\W\d_]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})\b")
_CENTURY = 2000


@dataclass(frozen=True, slots=True)
class Written:
    """A date as it was found in a text; ``is_ambiguous``: day and month could change places."""

    day: date
    text: str
    is_ambiguous: bool = False


def read_date(text: str) -> Written | None:
    """The first date in ``text``; the day comes first where both could; None: there is none."""
    if (found := _ISO.search(text)) and (day := _date(*map(int, found.groups()))):
        return Written(day, found[0])
    if (found := _NUMERIC.search(text)) and (written := _numeric(found)):
        return written
    if found := _DAY_MONTH.search(text):
        month = _MONTHS.get(found[2].lower())
        if month and (day := _date(_year(found[3]), month, int(found[1]))):
            return Written(day, found[0])
    if found := _MONTH_DAY.search(text):
        month = _MONTHS.get(found[1].lower())
        if month and (day := _date(int(found[3]), month, int(found[2]))):
            return Written(day, found[0])
    return None


def _numeric(found: re.Match[str]) -> Written | None:
    first, second, year = int(found[1]), int(found[2]), _year(found[3])
    day_first, month_first = _date(year, second, first), _date(year, first, second)
    if day_first is None and month_first is None:
        return None
    both = day_first is not None and month_first is not None and day_first != month_first
    return Written(day_first or month_first or date.min, found[0], both)


def _year(text: str) -> int:
    return int(text) if len(text) == 4 else _CENTURY + int(text)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
