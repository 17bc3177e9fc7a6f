"""What can be told only once all pages are settled: running headers and footers, and who did what.

Refuses to change what an element says.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace

from router.documents.element import Label
from router.documents.events import Spent
from router.documents.outcome import Document, Outcome, SettledPage

_DIGITS = re.compile(r"\d+")
# The bands of a page where running lines stand, as shares of its height.
_TOP, _BOTTOM = 0.12, 0.88
_LEAST_PAGES = 3
_LEAST_SHARE = 0.4
_LONGEST = 200


def merged(document: Document) -> Document:
    """The document with running headers and footers labelled so."""
    if len(document.pages) < _LEAST_PAGES:
        return document
    pages_by_line: Counter[tuple[Label, str]] = Counter()
    for page in document.pages:
        pages_by_line.update({line for _, line in _lines(page)})
    needed = max(_LEAST_PAGES, _LEAST_SHARE * len(document.pages))
    running = {line for line, count in pages_by_line.items() if count >= needed}
    return replace(document, pages=tuple(_labelled(page, running) for page in document.pages))


def spending(document: Document) -> tuple[Spent, ...]:
    """What each engine did, by cost and name."""
    readings: Counter[str] = Counter()
    standing: Counter[str] = Counter()
    cost: defaultdict[str, float] = defaultdict(float)
    for outcome in document.outcomes:
        if outcome.engine:
            standing[outcome.engine] += 1
        for turn in outcome.tries:
            readings[turn.engine] += 1
            cost[turn.engine] += turn.cost_usd_micros
    names = sorted({*readings, *standing}, key=lambda name: (-cost[name], name))
    return tuple(Spent(name, readings[name], standing[name], round(cost[name], 4)) for name in names)


def _lines(page: SettledPage) -> Iterator[tuple[int, tuple[Label, str]]]:
    """Elements in the bands of a page by their place in it, as what repeats: the text without its numbers."""
    height = page.page.height
    for index, outcome in enumerate(page.outcomes):
        box = outcome.element.provenance.box
        text = outcome.text.strip()
        if height is None or box is None or not text or len(text) > _LONGEST:
            continue
        if box.bottom <= _TOP * height:
            yield index, (Label.PAGE_HEADER, _DIGITS.sub("#", text))
        elif box.top >= _BOTTOM * height:
            yield index, (Label.PAGE_FOOTER, _DIGITS.sub("#", text))


def _labelled(page: SettledPage, running: set[tuple[Label, str]]) -> SettledPage:
    labels = {index: line[0] for index, line in _lines(page) if line in running}
    outcomes = tuple(
        _relabelled(outcome, labels[index]) if index in labels else outcome
        for index, outcome in enumerate(page.outcomes)
    )
    return replace(page, outcomes=outcomes)


def _relabelled(outcome: Outcome, label: Label) -> Outcome:
    return replace(outcome, element=replace(outcome.element, label=label))
