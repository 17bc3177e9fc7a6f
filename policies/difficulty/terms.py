"""The words of a prompt as the linear estimator counts them: shared by fitting and serving."""

from __future__ import annotations

import re
from itertools import pairwise

_READ_LIMIT = 16_000
_LONGEST_NUMBER = 6
_TERM = re.compile(r"[^\W\d_]+|\d+|[^\w\s]")
_ASCII_TERM = re.compile(r"[a-z]+|[0-9]+|[^a-z0-9_\s]")  # the same on lower-case ASCII, and faster


def terms_of(text: str) -> list[str]:
    """Words, marks and shapes of numbers, then all pairs of neighbours, in order.

    A number becomes ``#`` and its count of digits (at most 6): 17 and 42 are equally hard. Reads
    the first and last 8,000 characters.
    """
    if len(text) > _READ_LIMIT:
        text = text[: _READ_LIMIT // 2] + text[-_READ_LIMIT // 2 :]
    found = (_ASCII_TERM if text.isascii() else _TERM).findall(text.lower())
    single = [f"#{min(len(term), _LONGEST_NUMBER)}" if term[0].isdigit() else term for term in found]
    return single + [f"{left} {right}" for left, right in pairwise(single)]
