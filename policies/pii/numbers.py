"""Where a text has long numbers: the few places where numeric kinds are looked for.

One pass over the text finds them, so that ten patterns need not walk over prose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from policies.pii.base import Span

# Digits, and what people put between their groups. At least six characters: nothing shorter is looked for.
_CLUSTER = re.compile(r"[0-9][0-9 .\-/()\u00a0\u2011]{5,}")
# How far letters and signs before and after the digits may belong to it.
_MARGIN = 8
_CONTEXT_LENGTH = 40


def regions(text: str) -> Iterator[Span]:
    """Yield the parts of ``text`` around clusters of digits, in order and apart from each other."""
    start = end = -1
    for match in _CLUSTER.finditer(text):
        first, last = max(match.start() - _MARGIN, 0), min(match.end() + _MARGIN, len(text))
        if first <= end:
            end = last
            continue
        if end > 0:
            yield start, end
        start, end = first, last
    if end > 0:
        yield start, end


def matches(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Yield what ``pattern`` finds in the regions of ``text`` and is no part of a longer number or word."""
    for start, end in regions(text):
        for match in pattern.finditer(text, start, end):
            if stands_alone(text, match.start(), match.end()):
                yield match


def stands_alone(text: str, start: int, end: int) -> bool:
    """Whether no letter, digit or underscore stands right before or behind the piece."""
    before, after = text[start - 1 : start], text[end : end + 1]
    return not (before.isalnum() or before == "_" or after.isalnum() or after == "_")


def is_introduced(words: re.Pattern[str], text: str, start: int) -> bool:
    """Whether one of ``words`` stands shortly before ``start``."""
    return words.search(text, max(start - _CONTEXT_LENGTH, 0), start) is not None
