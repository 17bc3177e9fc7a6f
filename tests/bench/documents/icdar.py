"""ICDAR 2013's tables: regions and cells by people, as subjects for engines and grids to judge by."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from lxml import etree

from router.documents.element import Element, Label, Page, Provenance, Reading, Word
from router.documents.engines.base import Subject
from router.documents.geometry import Box
from router.documents.limits import Limits
from router.documents.parse.assemble import PARSER
from router.documents.parse.kind import Kind
from router.documents.parse.pdf import PdfSplitter
from router.documents.table import Cell, Grid

_NUMBER = re.compile(r"-?\d+(\.\d+)?")


@dataclass(frozen=True, slots=True)
class Case:
    """A table: what is to be read, the truth, and the document that it belongs to."""

    document: str
    subject: Subject
    truth: Grid


def cases(folder: Path) -> Iterator[Case]:
    """Every region of every document; a table over several regions is a case each."""
    for path in sorted(folder.glob("*.pdf")):
        structure = path.with_name(f"{path.stem}-str.xml")
        if not structure.exists():
            continue
        pages = {page.number: page for page in PdfSplitter().split(path, Limits())}
        for table in _parse(structure).iter("table"):
            for region in table.iter("region"):
                page = pages[int(region.get("page"))]
                truth, box = _truth(region), _region_box(region, page)
                if truth.cells:
                    yield Case(path.stem, _subject(path, page, box), truth)


def _parse(path: Path) -> etree._Element:
    return etree.fromstring(path.read_bytes(), etree.XMLParser(recover=True, resolve_entities=False))


def _truth(region: etree._Element) -> Grid:
    column_shift, row_shift = _int(region.get("col-increment")), _int(region.get("row-increment"))
    cells = []
    for node in region.iter("cell"):
        row, column = _int(node.get("start-row")) + row_shift, _int(node.get("start-col")) + column_shift
        last_row = _int(node.get("end-row"), row - row_shift) + row_shift
        last_column = _int(node.get("end-col"), column - column_shift) + column_shift
        text = " ".join("".join(content.itertext()) for content in node.iter("content")).strip()
        if text:
            cells.append(Cell(text, row, column, last_row - row + 1, last_column - column + 1))
    return Grid(
        1 + max((cell.row + cell.row_span - 1 for cell in cells), default=-1),
        1 + max((cell.column + cell.column_span - 1 for cell in cells), default=-1),
        tuple(cells),
    )


def _region_box(region: etree._Element, page: Page) -> Box:
    """The box around the region's cells, counted from the upper left corner."""
    boxes = list(region.iter("bounding-box"))
    sides = [[_float(box.get(name)) for name in ("x1", "y1", "x2", "y2")] for box in boxes]
    height = page.height or 0.0
    return Box(
        min(min(side[0], side[2]) for side in sides),
        height - max(max(side[1], side[3]) for side in sides),
        max(max(side[0], side[2]) for side in sides),
        height - min(min(side[1], side[3]) for side in sides),
    )


def _subject(path: Path, page: Page, box: Box) -> Subject:
    words = tuple(word for element in page.elements for word in element.words if _is_in(word, box))
    found = [element for element in page.elements if element.label is Label.TABLE and element.provenance.box]
    best = max(found, key=lambda element: box.overlap(element.provenance.box or box), default=None)
    native = None
    if best is not None and best.provenance.box and box.overlap(best.provenance.box) > 0.5 * box.area:
        native = best.native
    element = Element(
        f"p{page.number}/e0",
        Label.TABLE,
        Provenance(page.number, box),
        native=native or Reading(PARSER, " ".join(word.text for word in words)),
        words=words,
    )
    return Subject(path, Kind.PDF, replace(page, elements=()), element)


def _is_in(word: Word, box: Box) -> bool:
    x, y = (word.box.left + word.box.right) / 2, (word.box.top + word.box.bottom) / 2
    return box.left - 2 <= x <= box.right + 2 and box.top - 2 <= y <= box.bottom + 2


def _int(text: str | None, default: int = 0) -> int:
    return default if text is None else int(_float(text))


def _float(text: str) -> float:
    found = _NUMBER.search(text)
    return 0.0 if found is None else float(found[0])
