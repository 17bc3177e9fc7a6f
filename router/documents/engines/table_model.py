"""Tables by SLANet-plus (rapid-table): the model finds the cells, the text layer says what is in them.

Where the element has no text layer, RapidOCR's words are taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from router.documents.element import Reading, Word
from router.documents.engines.base import Subject
from router.documents.engines.render import picture
from router.documents.errors import EngineFailed
from router.documents.geometry import Box
from router.documents.parse.html_table import grid_from
from router.documents.parse.library import library

_DPI = 144.0


def read(subject: Subject) -> Iterator[Reading]:
    """Read a table in this process; a generator of one, as workers run."""
    import numpy as np

    image, region, scale = picture(subject, dpi=_DPI, margin=6.0)
    words = subject.element.words
    if not words:
        raise EngineFailed("the table has no text layer")
    found = _model()(np.asarray(image)[:, :, ::-1], _as_ocr(words, region, scale))[0]
    html = library("selectolax.lexbor", "documents", "reading HTML").LexborHTMLParser(found or "")
    table = html.css_first("table")
    if table is None:
        raise EngineFailed("the model found no table")
    grid = grid_from(table)
    if not grid.cells:
        raise EngineFailed("the model found no cells")
    yield Reading("table_model", grid.text, grid)


@lru_cache(maxsize=1)
def _model() -> Any:
    rapid_table = library("rapid_table", "documents-vision", "reading tables")
    return rapid_table.RapidTable()


def _as_ocr(words: Sequence[Word], region: Box, scale: float) -> list[Any]:
    """The words as what the model takes for OCR: four corners in pixels, a text, a score."""
    return [
        [
            [
                [(word.box.left - region.left) * scale, (word.box.top - region.top) * scale],
                [(word.box.right - region.left) * scale, (word.box.top - region.top) * scale],
                [(word.box.right - region.left) * scale, (word.box.bottom - region.top) * scale],
                [(word.box.left - region.left) * scale, (word.box.bottom - region.top) * scale],
            ],
            word.text,
            1.0,
        ]
        for word in words
    ]
