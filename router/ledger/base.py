"""The seam between what a process holds and what all of them share, and its nouns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

LEASE_S = 60.0
"""How long a process goes on reserving what it holds without word from the ledger."""
RELEASE_AFTER_S = 900.0
"""A book that was silent for so long may be released: its process, where it lives, reserves nothing any more,
and the requests that it had let in have ended."""


class LedgerError(Exception):
    """The ledger, or the book, cannot be read or written now; says which and why, never a password."""


class LedgerUnfit(LedgerError):
    """The ledger is there, or could be, but not for this program; trying again does not help."""


@dataclass(frozen=True, slots=True)
class Ceiling:
    """Most money of a tenant, in millionths of a US dollar, a day and a month of UTC's; None: no limit."""

    usd_micros_per_day: int | None = None
    usd_micros_per_month: int | None = None

    @property
    def is_limited(self) -> bool:
        """Whether there is any limit."""
        return self.usd_micros_per_day is not None or self.usd_micros_per_month is not None


@dataclass(frozen=True, slots=True)
class Claim:
    """What a book says of a tenant: spent so far, and how much it would hold, that included."""

    tenant: str
    spent_usd_micros: int
    wanted_usd_micros: int
    ceiling: Ceiling


@dataclass(frozen=True, slots=True)
class Grant:
    """What became of a claim.

    ``held_usd_micros`` is the book's from now on. ``room_usd_micros`` could still be claimed, 0 where the
    claim got less than it wanted. The other two are what all books have told to be spent.
    """

    held_usd_micros: int
    room_usd_micros: int
    spent_today_usd_micros: int
    spent_this_month_usd_micros: int


@dataclass(frozen=True, slots=True)
class Statement:
    """A tenant's money on a day and in its month: spent, and held by processes beyond that."""

    tenant: str
    spent_today_usd_micros: int
    held_today_usd_micros: int
    spent_this_month_usd_micros: int
    held_this_month_usd_micros: int


@dataclass(frozen=True, slots=True)
class OpenBook:
    """A book that has not ended, all tenants together, and how long the ledger has not heard of it."""

    name: str
    day: date
    silent_s: float
    held_usd_micros: int
    spent_usd_micros: int


class Ledger(Protocol):
    """Counts for all processes.

    Order of calls: ``open``, then the others, then ``close``, also where ``open`` raised. Each call is one
    transaction that is on the disk when it returns. All raise LedgerError, after which nothing or all of it
    was done; doing it again is harmless. ``open`` raises LedgerUnfit, too. Cancelling a wait undoes nothing.
    """

    async def open(self) -> None:
        """Get ready; tables are made where there are none."""
        ...

    async def begin(self, book: str, day: date) -> None:
        """Make a book known, whose spending counts for ``day``."""
        ...

    async def claim(self, book: str, claims: Sequence[Claim]) -> tuple[Grant, ...]:
        """Replace what the book has said of these tenants, as far as their ceilings allow."""
        ...

    async def end(self, book: str, spent_usd_micros: Mapping[str, int] | None) -> None:
        """Count for good what the book spent, by tenant, and forget it; one that is not known is passed over.

        None: nobody can tell any more, and all that it holds counts as spent.
        """
        ...

    async def statements(self, day: date) -> tuple[Statement, ...]:
        """Every tenant that has spent or holds anything in the month of ``day``, by name."""
        ...

    async def books(self) -> tuple[OpenBook, ...]:
        """Every book that has not ended, the longest silent one first."""
        ...

    async def release(self, book: str, silent_s: float) -> OpenBook | None:
        """Give back what a book holds beyond what it has told to be spent; return what it held.

        None, and nothing done: there is no such book, or it was heard of within ``silent_s``. It stays known,
        so that whoever settles it later, be it its own process, counts what was spent and counts it once.
        """
        ...

    async def close(self) -> None:
        """Let go of everything. Does nothing the second time."""
        ...
