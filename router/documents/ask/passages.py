"""A document's text in passages that point back to their elements, and which of them a question is about.

Ranking is BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009) over words.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from router.documents.element import FURNITURE
from router.documents.outcome import Document, Outcome

_WORD = re.compile(r"\w+")
_K1, _B = 1.2, 0.75


@dataclass(frozen=True, slots=True)
class Passage:
    """What an element says; ``index`` is its place among the passages."""

    index: int
    outcome: Outcome
    text: str

    @property
    def id(self) -> str:
        """The element's id."""
        return self.outcome.element.id


def passages_of(document: Document) -> tuple[Passage, ...]:
    """Every element that says something, running headers and footers apart, in reading order."""
    said = [
        (outcome, outcome.text.strip("\n"))
        for outcome in document.outcomes
        if outcome.element.label not in FURNITURE and outcome.text.strip()
    ]
    return tuple(Passage(index, outcome, text) for index, (outcome, text) in enumerate(said))


def ranked(passages: Sequence[Passage], query: str) -> list[Passage]:
    """The passages, those about ``query`` first; of equals the earlier."""
    counts = [Counter(words_of(passage.text)) for passage in passages]
    lengths = [max(count.total(), 1) for count in counts]
    usual = sum(lengths) / max(len(lengths), 1)
    spread = Counter(word for count in counts for word in count)
    asked = set(words_of(query))

    def score(index: int) -> float:
        total = 0.0
        for word in asked & counts[index].keys():
            rarity = math.log(1 + (len(passages) - spread[word] + 0.5) / (spread[word] + 0.5))
            often = counts[index][word]
            total += rarity * often * (_K1 + 1) / (often + _K1 * (1 - _B + _B * lengths[index] / usual))
        return total

    return sorted(passages, key=lambda passage: (-score(passage.index), passage.index))


def within(passages: Sequence[Passage], character_count: int) -> list[Passage]:
    """The first passages that fit into so many characters together, at least one, in reading order."""
    taken: list[Passage] = []
    left = character_count
    for passage in passages:
        if taken and len(passage.text) > left:
            continue
        taken.append(passage)
        left -= len(passage.text)
    return sorted(taken, key=lambda passage: passage.index)


def words_of(text: str) -> list[str]:
    """Words in small letters."""
    return _WORD.findall(text.casefold())
