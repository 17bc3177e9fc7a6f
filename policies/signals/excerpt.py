"""How much of a text is read: the beginning and the end, never more.

A signal must cost no more on a hostile answer of a megabyte than on an honest one of a page.
"""

from __future__ import annotations

HEAD_CHAR_COUNT = 4_000
TAIL_CHAR_COUNT = 8_000


def excerpt(text: str) -> str:
    """Return ``text``, or its first 4,000 and last 8,000 characters where it is longer than both."""
    if len(text) <= HEAD_CHAR_COUNT + TAIL_CHAR_COUNT:
        return text
    return f"{text[:HEAD_CHAR_COUNT]}\n{text[-TAIL_CHAR_COUNT:]}"
