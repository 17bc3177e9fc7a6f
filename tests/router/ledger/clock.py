"""Time that a test sets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass
class Clock:
    """Gives ``now_s``."""

    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s


def at(text: str) -> float:
    """Seconds since 1970 of a time of UTC's, as in ``2026-11-27 09:30``."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
