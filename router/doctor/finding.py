"""What is said about one thing that was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a thing is, from good to bad. ABSENT: it is not there, and missed only by who wants it."""

    OK = "ok"
    ABSENT = "absent"
    SLOW = "slow"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """A thing, how it is, what was seen, and what to do; ``advice`` None: nothing."""

    topic: str
    state: State
    seen: str
    advice: str | None = None
