"""Telephone numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from policies.pii.base import Span
from policies.pii.checksums import digits_of
from policies.pii.numbers import is_introduced, regions

_GAP = r"[ .\-/()\u00a0\u2011]{0,3}"
_NUMBER = re.compile(
    rf"(?P<international>(?:\+|\b00(?=[1-9 ])){_GAP}[1-9](?:{_GAP}[0-9]){{6,14}})"
    # North America: (415) 555-2671; area and exchange begin with 2 to 9 and are no 911 and the like.
    r"|(?P<american>(?:\b1[ .-])?(?:\([2-9](?!11)[0-9]{2}\) ?|\b[2-9](?!11)[0-9]{2}[ .-])"
    r"[2-9](?!11)[0-9]{2}[ .-][0-9]{4})"
    # France: 06 12 34 56 78.
    r"|(?P<french>\b0[1-79](?:([ .])[0-9]{2})(?:\4[0-9]{2}){3})"
    rf"|(?P<other>(?:\([0-9]{{2,5}}\)|[0-9])(?:{_GAP}[0-9]){{5,13}})"
)
# Where no word for it stands in the text, a number needs ten digits, or a sign of its country.
_SIGN = re.compile(r"\+|00|(?:[0-9][^0-9\n]{0,3}){9}[0-9]")
_STEMS = (
    "tel",
    "phone",
    "mobil",
    "cell",
    "call",
    "fax",
    "whatsapp",
    "sms",
    "handy",
    "nummer",
    "tél",
    "vil",
    "portable",
    "reach",
    "ring",
)
_WORDS = re.compile(
    r"(?i)\b(?:(?:tele)?phone|telefon[oea]?|t[ée]l[ée]fonos?|t[ée]l[ée]phone|t[ée]l"
    r"|mobile?|m[óo]vil|cell(?:ulare)?|portable"
    r"|handy(?:nummer)?|(?:ruf|telefon|mobil)nummer|fax|whatsapp|sms"
    r"|call(?: me)?(?: at| on)?|reach me at|ring)\b[^\w\n]{0,3}"
    r"(?:(?:number|no|nr|is|at|on|ist|est)\b[^\w\n]{0,3}){0,3}$"
)
# ITU-T E.164 country codes by their first digits: all of one digit, of two, and of three.
_CODES = re.compile(
    r"1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]"
    r"|2(?:1[1-3689]|[2-6]\d|9[0179])|3(?:5\d|7[0-8]|8[0-35-79])|42[0139]|5[09]\d|6(?:7[02-9]|8[0-35-9]|9[0-2])"
    r"|8(?:0[08]|5[02356]|7[08]|8[0-36]|9[08])|9(?:6[0-8]|7[0-79]|9[2-68])"
)


class Phone:
    """Numbers with a country code, in the usual forms of North America and France, or behind a word for them.

    Any other number of a national form reads like an order number, and is not taken for a telephone's.
    """

    kind: ClassVar[str] = "phone"

    def find(self, text: str) -> Iterator[Span]:
        """Yield telephone numbers."""
        lowered = text.casefold()
        is_named = any(stem in lowered for stem in _STEMS)
        for start, end in regions(text):
            if not is_named and _SIGN.search(text, start, end) is None:
                continue
            for match in _NUMBER.finditer(text, start, end):
                if _is_phone(text, match):
                    yield match.span()


def _is_phone(text: str, match: re.Match[str]) -> bool:
    before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
    if before.isalnum() or before in {"_", "+", "="} or after.isalnum() or after == "_":
        return False
    digits = digits_of(match[0])
    match match.lastgroup:
        case "international":
            is_spelt = match[0].startswith("00")
            if is_spelt and before in {"-", ".", "/"}:
                return False
            if is_spelt and match[0] == digits:
                return is_introduced(_WORDS, text, match.start())
            return _CODES.match(digits[2:] if is_spelt else digits) is not None
        case "american" | "french":
            return before not in {".", "-", "/"}
        case _:
            return is_introduced(_WORDS, text, match.start())
