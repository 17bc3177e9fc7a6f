"""Numbers as people write them, with either kind of decimal sign."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

_SIGNS = re.compile(r"[^\d.,()\-−–]")
_MOST_DIGITS = 30


def number(text: str) -> Decimal | None:
    """Read an amount; None where it is none.

    The last of ``.`` and ``,`` is the decimal sign where both stand; alone, one that is followed by exactly
    three digits parts thousands. Parentheses and minus signs make it negative.
    """
    kept = _SIGNS.sub("", text.replace("'", "").replace("’", ""))
    digits = kept.strip("()-−–")
    if not digits or len(digits) > _MOST_DIGITS or not any(character.isdigit() for character in digits):
        return None
    comma, point = digits.rfind(","), digits.rfind(".")
    if comma >= 0 and point >= 0:
        thousands, decimal = (",", ".") if point > comma else (".", ",")
    else:
        sign = "," if comma >= 0 else "."
        parts = digits.split(sign)
        is_grouping = len(parts) > 2 or (len(parts) == 2 and len(parts[1]) == 3 and 0 < len(parts[0]) <= 3)
        thousands, decimal = (sign, "") if is_grouping else ("", sign)
    plain = digits.replace(thousands, "") if thousands else digits
    plain = plain.replace(decimal, ".") if decimal else plain
    try:
        value = Decimal(plain)
    except InvalidOperation:
        return None
    is_negative = kept[:1] in "-−–" or (kept.startswith("(") and kept.endswith(")"))
    return -value if is_negative else value
