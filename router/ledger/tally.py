"""What a book says, read after its process has ended."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from router.ledger.book import HEADER


@dataclass(frozen=True, slots=True)
class Tally:
    """What a book says: its day, and by tenant what was spent and what was reserved and never settled."""

    day: date
    spent_usd_micros: Counter[str]
    unsettled_usd_micros: Counter[str]

    def worst_usd_micros(self) -> dict[str, int]:
        """Spending by tenant, where every request that was under way has cost all that was reserved."""
        tenants = self.spent_usd_micros.keys() | self.unsettled_usd_micros.keys()
        return {
            tenant: self.spent_usd_micros[tenant] + self.unsettled_usd_micros[tenant] for tenant in tenants
        }


class BookUnreadable(Exception):
    """The file is there, and is no book, or a damaged one."""


def read_book(path: Path) -> Tally:
    """Read a book whose process has ended. Raises BookUnreadable, or OSError.

    A last line that is not whole was never acted upon and does not count.
    """
    lines = path.read_bytes().split(b"\n")[:-1]
    reserved: dict[int, tuple[str, int]] = {}
    spent: Counter[str] = Counter()
    try:
        day = _day(lines[0])
        for line in lines[1:]:
            kind, number, rest = line.split(b" ", 2)
            if kind == b"R":
                amount, tenant = rest.split(b" ", 1)
                reserved[int(number)] = (str(json.loads(tenant)), int(amount))
            elif kind == b"S":
                spent[reserved.pop(int(number))[0]] += int(rest)
            else:
                raise ValueError(kind)
    except (ValueError, KeyError, IndexError) as exc:
        raise BookUnreadable(f"{path} is damaged: {type(exc).__name__}") from exc
    unsettled: Counter[str] = Counter()
    for name, worst in reserved.values():
        unsettled[name] += worst
    return Tally(day, spent, unsettled)


def _day(line: bytes) -> date:
    text = line.decode("ascii")
    if not text.startswith(HEADER):
        raise ValueError(text[:20])
    return date.fromisoformat(text[len(HEADER) :])
