"""How much of the end of a text may be the beginning of something looked for.

Streams need it: text that may turn out to start a stop string or a tag must be held back until
the next piece decides.
"""

from __future__ import annotations

from collections.abc import Iterable


def partial_match_length(text: str, needles: Iterable[str]) -> int:
    """Length of the longest end of ``text`` that is a proper beginning of one of ``needles``."""
    return max((_overlap(text, needle) for needle in needles), default=0)


def _overlap(text: str, needle: str) -> int:
    longest = min(len(text), len(needle) - 1)
    return next((length for length in range(longest, 0, -1) if text.endswith(needle[:length])), 0)
