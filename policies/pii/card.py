"""Numbers of payment cards."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from policies.pii.base import Span
from policies.pii.checksums import digits_of, luhn
from policies.pii.numbers import matches

# In one piece, in fours, or as on American Express and Diners cards; one sign between all groups.
_WRITTEN = re.compile(
    r"[2-6][0-9]{3}(?:([ \-.\u00a0])[0-9]{4}\1[0-9]{4}\1[0-9]{4}(?:\1[0-9]{1,3})?"
    r"|([ \-.\u00a0])[0-9]{6}\2[0-9]{4,5}|[0-9]{9,15})"
)
# ISO/IEC 7812 issuers by first digits, and how long their numbers are.
_ISSUERS: tuple[tuple[re.Pattern[str], frozenset[int]], ...] = tuple(
    (re.compile(first), frozenset(lengths))
    for first, lengths in (
        ("4", {13, 16, 19}),  # Visa
        ("5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", {16}),  # Mastercard
        ("3[47]", {15}),  # American Express
        ("6011|65|64[4-9]", {16, 19}),  # Discover
        ("35(?:2[89]|[3-8])", {16, 19}),  # JCB
        ("3(?:0[0-5]|[689])", {14, 16}),  # Diners Club
        ("62|81", {16, 17, 18, 19}),  # UnionPay
        ("50|5[6-9]|6[0137]", {16, 18, 19}),  # Maestro and others
        ("220[0-4]", {16}),  # Mir
    )
)


class Card:
    """Card numbers of known issuers with the right check digit.

    One in ten made-up numbers of an issuer's form passes the check: there is no telling those apart.
    """

    kind: ClassVar[str] = "card"

    def find(self, text: str) -> Iterator[Span]:
        """Yield card numbers."""
        for match in matches(_WRITTEN, text):
            digits = digits_of(match[0])
            if _is_fraction(text, match.start()):
                continue
            if _has_issuer(digits) and luhn(digits) and len(set(digits)) > 1:
                yield match.span()


def _is_fraction(text: str, start: int) -> bool:
    """Whether the digits are those behind a decimal point."""
    return text[start - 1 : start] in {".", ","} and text[max(start - 2, 0) : start - 1].isdigit()


def _has_issuer(digits: str) -> bool:
    return any(len(digits) in lengths and first.match(digits) for first, lengths in _ISSUERS)
