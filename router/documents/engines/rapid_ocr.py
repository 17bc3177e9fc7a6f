"""RapidOCR: PP-OCR models that come in its wheel; strong, and ten times tesseract's cost."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from router.documents.element import Reading, Word
from router.documents.engines.base import Subject
from router.documents.engines.lines import mean_confidence, rows_of, text_of
from router.documents.engines.render import picture
from router.documents.geometry import Box
from router.documents.parse.library import library

_DPI = 150.0


def read(subject: Subject) -> Iterator[Reading]:
    """Read an element in this process; a generator of one, as workers run."""
    import numpy as np

    image, region, scale = picture(subject, dpi=_DPI)
    found = _models()(np.asarray(image)[:, :, ::-1])
    if found.boxes is None or found.txts is None:
        yield Reading("rapidocr", "")
        return
    lines = zip(found.boxes.tolist(), found.txts, found.scores, strict=True)
    words = tuple(
        Word(text, _box(corners, region, scale), float(score))
        for corners, text, score in lines
        if text.strip()
    )
    rows = rows_of(words)
    ordered = tuple(word for row in rows for word in row)
    yield Reading("rapidocr", text_of(rows), words=ordered, own_confidence=mean_confidence(ordered))


@lru_cache(maxsize=1)
def _models() -> Any:
    rapidocr = library("rapidocr", "documents-vision", "reading scans")
    settings = {
        "Global.log_level": "error",
        "EngineConfig.onnxruntime.intra_op_num_threads": 1,
        "EngineConfig.onnxruntime.inter_op_num_threads": 1,
    }
    return rapidocr.RapidOCR(params=settings)


def _box(corners: list[list[float]], region: Box, scale: float) -> Box:
    across, down = [x for x, _ in corners], [y for _, y in corners]
    return Box(
        round(region.left + min(across) / scale, 2),
        round(region.top + min(down) / scale, 2),
        round(region.left + max(across) / scale, 2),
        round(region.top + max(down) / scale, 2),
    )
