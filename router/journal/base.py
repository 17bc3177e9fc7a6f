"""The seam between the core and its memory."""

from __future__ import annotations

from typing import Protocol

from router.errors import UnknownRequest
from router.journal.audit import Audit
from router.journal.entry import JournalEntry
from router.journal.retention import Retention


class Journal(Protocol):
    """Remembers what was decided.

    Order of calls: ``start`` once, then ``record``, ``audit`` and ``feedback`` from the event loop, then
    ``close`` once, also when ``start`` raised.
    """

    async def start(self) -> None:
        """Open it. Raises :class:`router.journal.errors.JournalError` where that cannot be."""
        ...

    def record(self, entry: JournalEntry) -> None:
        """Keep ``entry``: returns at once, never raises, and may drop it when it falls behind.

        Callers may use a request id twice. An answered request is never replaced, nor one of another
        tenant; a failed one is, by its retry.
        """
        ...

    def audit(self, audit: Audit) -> None:
        """Keep ``audit``, as ``record`` keeps entries; its ``time_s`` is set here."""
        ...

    async def feedback(
        self, request_id: str, score: float, source: str, *, tenants: frozenset[str] | None = None
    ) -> bool:
        """Keep a score durably; True where it replaced an earlier one from the same source.

        A request of none of ``tenants`` is as good as not there; None: all count.
        Raises :class:`router.errors.UnknownRequest`, or :class:`router.errors.QueueFull` where it
        cannot be kept now. Cancelling the wait does not take the score back.
        """
        ...

    def retain(self, retention: Retention) -> None:
        """Forget by ``retention`` from now on."""
        ...

    async def close(self) -> None:
        """Write what was recorded and close. Does nothing the second time."""
        ...


class NullJournal:
    """Remembers nothing."""

    async def start(self) -> None:
        """Do nothing."""

    def record(self, entry: JournalEntry) -> None:
        """Forget ``entry``."""

    def audit(self, audit: Audit) -> None:
        """Forget ``audit``."""

    def retain(self, retention: Retention) -> None:
        """Do nothing: there is nothing to forget."""

    async def feedback(
        self, request_id: str, score: float, source: str, *, tenants: frozenset[str] | None = None
    ) -> bool:
        """Refuse: nothing is known of any request."""
        del score, source, tenants
        raise UnknownRequest(
            "this server keeps no journal, so feedback has nothing to join; set journal.path",
            metadata={"request_id": request_id},
        )

    async def close(self) -> None:
        """Do nothing."""
