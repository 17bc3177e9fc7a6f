"""Tesseract through its command: words with boxes and confidences, in its own order of reading."""

from __future__ import annotations

import csv
import io
import os
import subprocess
from collections.abc import Iterator

from router.documents.element import Label, Reading, Word
from router.documents.engines.base import Subject
from router.documents.engines.lines import mean_confidence
from router.documents.engines.render import picture
from router.documents.errors import EngineFailed
from router.documents.geometry import Box

_DPI = 250.0
_TIMEOUT_S = 110.0
_WORD_LEVEL = "5"
# In photographs OCR sees letters that are none; it is not sure of them.
_SURE, _LEAST_WORDS = 0.7, 3


def read(subject: Subject) -> Iterator[Reading]:
    """Read an element in this process; a generator of one, as workers run."""
    image, region, scale = picture(subject, dpi=_DPI)
    encoded = io.BytesIO()
    # It reads shades only; with colours it takes 1.4 times as long for the same words (20 receipts).
    image.convert("L").save(encoded, "BMP")
    is_page = subject.element.features.get("scan", 0.0) > 0
    command = ["tesseract", "stdin", "stdout", "--psm", "4" if is_page else "6", "tsv"]
    done = subprocess.run(  # noqa: S603  a fixed command
        command,
        input=encoded.getvalue(),
        capture_output=True,
        check=False,
        timeout=_TIMEOUT_S,
        env={**os.environ, "OMP_THREAD_LIMIT": "1"},
    )
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise EngineFailed(f"tesseract ended with {done.returncode}: {said[-1] if said else 'no word'}")
    is_picture = subject.element.label in (Label.PICTURE, Label.CHART)
    yield _reading(done.stdout.decode(errors="replace"), region, scale, _SURE if is_picture else 0.0)


def _reading(table: str, region: Box, scale: float, least: float) -> Reading:
    """The words of at least the confidence ``least``; where these are few, it is a picture without text."""
    paragraphs: dict[tuple[str, str], dict[str, list[Word]]] = {}
    for row in csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE):
        text = (row.get("text") or "").strip()
        if row.get("level") != _WORD_LEVEL or not text or float(row["conf"]) < 100.0 * least:
            continue
        lines = paragraphs.setdefault((row["block_num"], row["par_num"]), {})
        lines.setdefault(row["line_num"], []).append(_word(row, text, region, scale))
    text = "\n\n".join(
        "\n".join(" ".join(word.text for word in line) for line in lines.values())
        for lines in paragraphs.values()
    )
    if least and len(text.split()) < _LEAST_WORDS:
        return Reading("tesseract", "")
    words = tuple(word for lines in paragraphs.values() for line in lines.values() for word in line)
    return Reading("tesseract", text, words=words, own_confidence=mean_confidence(words))


def _word(row: dict[str, str], text: str, region: Box, scale: float) -> Word:
    left, top = region.left + float(row["left"]) / scale, region.top + float(row["top"]) / scale
    box = Box(
        round(left, 2),
        round(top, 2),
        round(left + float(row["width"]) / scale, 2),
        round(top + float(row["height"]) / scale, 2),
    )
    return Word(text, box, max(float(row["conf"]), 0.0) / 100.0)
