"""DOCX, HTML and Markdown held against docling's stored output: parity, never a claim of fidelity."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from router.documents.docling import from_docling
from router.documents.element import is_beside
from router.documents.limits import Limits
from router.documents.outcome import Document
from router.documents.parse.kind import kind_of
from router.documents.parse.registry import splitter_for
from router.documents.verify.agreement import text_likeness

FORMATS = ("docx", "html", "md")
ALIKE = 0.95
"""Likeness of the texts from which a document counts as the same."""


@dataclass(frozen=True, slots=True)
class Parity:
    """How alike our elements and docling's are, over the documents of one format."""

    kind: str
    document_count: int
    likeness: float
    alike_share: float
    furthest: tuple[tuple[str, float], ...]


def measure(folder: Path) -> Iterator[Parity]:
    """Compare every document that has docling's JSON beside it."""
    for kind in FORMATS:
        scores = dict(_scores(folder / f"docling_{kind}"))
        if scores:
            alike = sum(score >= ALIKE for score in scores.values()) / len(scores)
            furthest = sorted(scores.items(), key=lambda item: item[1])[:3]
            yield Parity(kind, len(scores), sum(scores.values()) / len(scores), alike, tuple(furthest))


def _scores(folder: Path) -> Iterator[tuple[str, float]]:
    for truth in sorted(folder.glob("gt__*.json")):
        source = folder / truth.name.removeprefix("gt__").removesuffix(".json")
        if source.exists():
            pages = splitter_for(kind_of(source)).split(source, Limits())
            ours = " ".join(
                e.native.text for page in pages for e in page.elements if e.native and not is_beside(e)
            )
            theirs = _text(from_docling(json.loads(truth.read_text(encoding="utf-8"))))
            yield source.name, text_likeness(ours, theirs) or float(ours == theirs)


def _text(document: Document) -> str:
    return " ".join(o.text for o in document.outcomes if not is_beside(o.element))
