"""What the core hands to the journal when a request has ended."""

from __future__ import annotations

from dataclasses import dataclass

from router.events import AttemptReport, Decided, Result
from router.request import Request


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One request, answered or not.

    ``decided`` None: it failed before it was decided. A failed request has no ``result``; its
    ``error_reason`` is the word that the wire carried, and None for an answered one. ``attempts``
    are all that were made, those of a failed or cancelled request too.
    """

    request: Request
    decided: Decided | None
    result: Result | None
    attempts: tuple[AttemptReport, ...] = ()
    error_reason: str | None = None
