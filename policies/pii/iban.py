"""International bank account numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from policies.pii.base import Span
from policies.pii.checksums import mod_97

_WRITTEN = re.compile(r"[A-Za-z]{2}[0-9]{2}(?:[ \-\u00a0]?[A-Za-z0-9]){11,30}")
# ISO 13616 registry: characters of an account number by country.
_LENGTHS = {
    country: length
    for length, countries in {
        15: "NO", 16: "BE", 18: "DK FO FI GL NL SD FK", 19: "MK SI", 20: "AT BA EE KZ XK LT LU MN",
        21: "HR LV LI CH", 22: "BH BG CR GE DE IE ME RS GB VA", 23: "TL GI IQ IL OM SO AE",
        24: "AD CZ MD PK RO SA SK ES SE TN VG", 25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MR MC SM",
        28: "AL AZ BY CY DO SV GT HU LB PL NI", 29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC",
        32: "LC", 33: "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip


class Iban:
    """Account numbers of the right length for their country and with right check digits."""

    kind: ClassVar[str] = "iban"

    def find(self, text: str) -> Iterator[Span]:
        """Yield account numbers, in one piece or in groups."""
        place = 0
        while match := _WRITTEN.search(text, place):
            end = _end(text, match)
            if end is not None:
                yield match.start(), end
            # What was no account may still hide one, which begins with two letters again.
            place = match.start() + 2 if end is None else end


def _end(text: str, match: re.Match[str]) -> int | None:
    """Where the account that starts at ``match`` ends; None where there is none."""
    start = match.start()
    before = text[start - 1 : start]
    length = _LENGTHS.get(match[0][:2].upper())
    if length is None or before.isalnum() or before == "_":
        return None
    end, count = start, 0
    while count < length and end < match.end():
        count += text[end].isalnum()
        end += 1
    after = text[end : end + 1]
    if count < length or after.isalnum() or after == "_":
        return None
    account = "".join(character for character in text[start:end].upper() if character.isalnum())
    return end if mod_97(account[4:] + account[:4]) == 1 else None
