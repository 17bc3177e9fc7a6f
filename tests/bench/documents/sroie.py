"""SROIE's receipts: scans, and the total that people read in each."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from router.documents.engines.base import Subject
from router.documents.limits import Limits
from router.documents.parse.image import ImageSplitter
from router.documents.parse.kind import Kind


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt: what is to be read, and its total as written."""

    document: str
    subject: Subject
    total: str


def receipts(folder: Path) -> Iterator[Receipt]:
    """Every receipt that has a total."""
    for path in sorted(folder.glob("*.jpg")):
        fields = json.loads(path.with_name(f"{path.stem}.fields.json").read_text(encoding="utf-8"))
        total = str(fields.get("total", "")).strip()
        if total:
            (page,) = ImageSplitter().split(path, Limits())
            slim = replace(page, elements=())
            yield Receipt(path.stem, Subject(path, Kind.IMAGE, slim, page.elements[0]), total)


def is_found(total: str, text: str) -> bool:
    """Whether the total stands in the text as a number of its own, however its decimals are marked.

    A space that OCR puts before the decimals does not count.
    """
    wanted = re.sub(r"[^\d.]", "", total.replace(",", "."))
    text = re.sub(r"(?<=\d[.,]) (?=\d\d\b)", "", text)
    return any(wanted == number.replace(",", ".") for number in re.findall(r"\d+(?:[.,]\d+)?", text))
