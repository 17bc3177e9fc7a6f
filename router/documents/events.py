"""What the pipeline tells while it works; the wire and the command line listen.

Every document gives: one Planned; then, page by page in order, an ElementSettled for each element, preceded
by an ElementRead where its first reading was not trusted, and a PageDone; last
exactly one Finished. ``sequence`` counts all events from 1, and is the same on every run over the same
document, so that who lost the stream can go on behind a number. A refused document raises instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from router.documents.outcome import Document, Outcome


@dataclass(frozen=True, slots=True)
class Planned:
    """The document is understood; ``ladders`` name engines by group, ``missing`` what is not installed."""

    sequence: int
    digest: str
    kind: str
    page_count: int
    ladders: Mapping[str, tuple[str, ...]]
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ElementRead:
    """The first reading of an element that was not trusted; an ElementSettled follows."""

    sequence: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class ElementSettled:
    """An element is done; ``is_revised``: it replaces the reading of an ElementRead."""

    sequence: int
    outcome: Outcome
    is_revised: bool = False


@dataclass(frozen=True, slots=True)
class PageDone:
    """All elements of a page are settled."""

    sequence: int
    page: int
    page_count: int
    unverified_count: int


@dataclass(frozen=True, slots=True)
class Spent:
    """What an engine did for a document: readings, those that stand, and their cost."""

    engine: str
    reading_count: int
    standing_count: int
    cost_usd_micros: float


@dataclass(frozen=True, slots=True)
class Finished:
    """The whole document."""

    sequence: int
    document: Document
    spent: tuple[Spent, ...] = ()
    checks: Mapping[str, float] = field(default_factory=dict)

    @property
    def cost_usd_micros(self) -> float:
        """Cost of everything."""
        return sum(one.cost_usd_micros for one in self.spent)


Event = Planned | ElementRead | ElementSettled | PageDone | Finished
