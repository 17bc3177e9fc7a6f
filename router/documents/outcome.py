"""What became of an element: the reading that stands, how sure it is, and what it took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from router.documents.element import Element, Page, Reading


class Verdict(StrEnum):
    """Whether a reading may be trusted: what is not verified is shown, and marked."""

    VERIFIED = "verified"
    UNVERIFIED = "unverified"


@dataclass(frozen=True, slots=True)
class Try:
    """One engine's turn at an element.

    ``failure`` says why it gave no reading; ``evidence`` are the verifiers' scores in [0, 1] by name.
    """

    engine: str
    reason: str
    reading: Reading | None = None
    confidence: float | None = None
    evidence: Mapping[str, float] = field(default_factory=dict)
    failure: str | None = None

    @property
    def cost_usd_micros(self) -> float:
        """What it cost."""
        return 0.0 if self.reading is None else self.reading.cost_usd_micros


@dataclass(frozen=True, slots=True)
class Outcome:
    """An element, settled.

    ``reading`` None: nobody could read it. ``revision`` counts the readings that stood before this one.
    ``reason`` is the policy's stable word for ending, ``tries`` are in order.
    """

    element: Element
    reading: Reading | None
    confidence: float
    verdict: Verdict
    reason: str
    revision: int = 0
    tries: tuple[Try, ...] = ()

    @property
    def engine(self) -> str:
        """The engine whose reading stands; empty where none does."""
        return "" if self.reading is None else self.reading.engine

    @property
    def text(self) -> str:
        """What the element says; empty where nobody could read it."""
        return "" if self.reading is None else self.reading.text

    @property
    def evidence(self) -> Mapping[str, float]:
        """Scores of the reading that stands."""
        stands = (turn for turn in reversed(self.tries) if turn.reading == self.reading)
        return next((turn.evidence for turn in stands), {})

    @property
    def cost_usd_micros(self) -> float:
        """Cost of all tries."""
        return sum(turn.cost_usd_micros for turn in self.tries)


def slim(outcome: Outcome) -> Outcome:
    """The outcome without the words that verification looked at: nobody needs them any more, and they weigh.

    A page of text has 600 words, some 200 KB of objects; a thousand pages would not fit.
    """
    return replace(
        outcome,
        element=replace(outcome.element, words=(), native=_without_words(outcome.element.native)),
        reading=_without_words(outcome.reading),
        tries=tuple(replace(turn, reading=_without_words(turn.reading)) for turn in outcome.tries),
    )


def _without_words(reading: Reading | None) -> Reading | None:
    return None if reading is None else replace(reading, words=())


@dataclass(frozen=True, slots=True)
class SettledPage:
    """A page, all of whose elements are settled, in reading order."""

    page: Page
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A whole document. ``digest`` is the SHA-256 of the file; ``kind`` its format's short name.

    ``missing`` says what is not installed, and what it would have added here.
    """

    name: str
    digest: str
    kind: str
    pages: tuple[SettledPage, ...]
    missing: tuple[str, ...] = ()

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """All elements in reading order."""
        return tuple(outcome for page in self.pages for outcome in page.outcomes)
