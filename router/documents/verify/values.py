"""Values that carry their own proof: dates of the calendar, numbers with check digits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

from router.documents.verify.base import Claim

_ISO = re.compile(r"\b(\d{4})-(\d{1,2})-(\d{1,2})\b")
_DOTTED = re.compile(r"\b(\d{1,2})([./])(\d{1,2})\2(\d{4})\b")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b")
_CARD = re.compile(r"\b\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{4}\b")
_TWELVE = 12


class Dates:
    """``dates``: share of what is written like a date that is in the calendar."""

    def measure(self, claim: Claim) -> Mapping[str, float]:
        """Score a reading."""
        text = claim.reading.text
        found = [is_date(int(y), int(m), int(d)) for y, m, d in _ISO.findall(text)]
        found += [
            is_date(int(y), int(a), int(b)) or is_date(int(y), int(b), int(a))
            for a, _, b, y in _DOTTED.findall(text)
        ]
        return {"dates": sum(found) / len(found)} if found else {}


class Checksums:
    """``checksums``: share of IBANs and card numbers whose check digits are right."""

    def measure(self, claim: Claim) -> Mapping[str, float]:
        """Score a reading."""
        text = claim.reading.text
        found = [is_iban(match) for match in _IBAN.findall(text)]
        # The groups of an IBAN look like those of a card.
        found += [is_luhn(match) for match in _CARD.findall(_IBAN.sub(" ", text))]
        return {"checksums": sum(found) / len(found)} if found else {}


def is_date(year: int, month: int, day: int) -> bool:
    """Whether the day exists."""
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def is_iban(text: str) -> bool:
    """ISO 13616: the number with its first four characters moved to the end is 1 modulo 97."""
    solid = text.replace(" ", "")
    moved = solid[4:] + solid[:4]
    return moved.isalnum() and int("".join(str(int(character, 36)) for character in moved)) % 97 == 1


def is_luhn(text: str) -> bool:
    """ISO/IEC 7812: every second digit from the right doubled, the digits add up to a multiple of ten."""
    digits = [int(character) for character in reversed(text) if character.isdigit()]
    doubled = (sum(divmod(2 * digit, 10)) if index % 2 else digit for index, digit in enumerate(digits))
    return sum(doubled) % 10 == 0
