"""Last checks over a whole document: nothing of it lost, nothing told twice, pages in their order."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from router.documents.geometry import Box
from router.documents.outcome import Document, SettledPage
from router.documents.parse.assemble import PARSER


def check(document: Document) -> dict[str, float]:
    """Scores in [0, 1] over pages with a text layer; empty where there is none.

    ``used_once``: share of the text layer's characters that the parser's elements hold once. ``in_order``:
    share of neighbouring elements of which the second does not stand wholly above the first in its column.
    """
    kept = twice = total = 0
    pairs = ordered = 0
    for page in document.pages:
        source, said = _characters(page.page.source_text), _said(page)
        if source and said is not None:
            total += sum(source.values())
            kept += sum((source & said).values())
            twice += max(sum((said - source).values()), 0)
        right, count = _order(page)
        ordered, pairs = ordered + right, pairs + count
    scores = {}
    if total:
        scores["used_once"] = round(max(kept - twice, 0) / total, 4)
    if pairs:
        scores["in_order"] = round(ordered / pairs, 4)
    return scores


def _said(page: SettledPage) -> Counter[str] | None:
    """Characters of the native readings; None where some element of the page has none but a picture's."""
    texts = []
    for outcome in page.outcomes:
        native = outcome.element.native
        if native is not None and native.engine == PARSER:
            grid = native.grid
            texts.append(native.text if grid is None else " ".join(cell.text for cell in grid.cells))
    return _characters(" ".join(texts)) if texts else None


def _characters(text: str) -> Counter[str]:
    return Counter(character for character in text if not character.isspace())


def _order(page: SettledPage) -> tuple[int, int]:
    boxes = [box for outcome in page.outcomes if (box := outcome.element.provenance.box) is not None]
    pairs = list(pairwise(boxes))
    return sum(not _is_above(second, first) for first, second in pairs), len(pairs)


def _is_above(second: Box, first: Box) -> bool:
    shared = min(first.right, second.right) - max(first.left, second.left)
    return second.bottom < first.top and shared > 0.5 * min(
        first.right - first.left, second.right - second.left
    )
