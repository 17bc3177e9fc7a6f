"""DOCX through python-docx: paragraphs by style, lists by numbering, tables with their spans.

The file is one page: where its pages break is the layout's business. Archives are checked before they are
opened, and entities in the XML are never resolved.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from router.documents.element import Label, Page
from router.documents.errors import Broken
from router.documents.limits import Limits
from router.documents.marks import Mark
from router.documents.parse.archive import check_archive
from router.documents.parse.assemble import Assembly, Part
from router.documents.parse.docx_around import margins, notes
from router.documents.parse.docx_lists import Numbering
from router.documents.parse.docx_text import (
    Links,
    W,
    boxes,
    equation_text,
    is_equation,
    marked_text,
    pictures,
)
from router.documents.parse.library import library
from router.documents.parse.runs import Runs
from router.documents.table import Cell, Grid

_HEADING = re.compile(r"^heading (\d)$", re.IGNORECASE)


class DocxSplitter:
    """Splits DOCX."""

    def split(self, path: Path, limits: Limits) -> Iterator[Page]:
        """Give the one page; see :class:`router.documents.parse.base.Splitter`."""
        docx = library("docx", "documents", "reading DOCX")
        check_archive(path, limits)
        try:
            document = docx.Document(str(path))
            parts = [
                *margins(document),
                *_Body(document).parts(document.element.body),
                *notes(document),
            ]
        except _errors() as exc:
            raise Broken(f"the DOCX does not hold together: {type(exc).__name__}: {exc}") from exc
        yield Assembly(limits.element_count).page(1, 1, None, parts)


def _errors() -> tuple[type[Exception], ...]:
    package: type[Exception] = library("docx.opc.exceptions", "documents", "reading DOCX").OpcError
    content: type[Exception] = library("docx.exceptions", "documents", "reading DOCX").PythonDocxError
    return KeyError, ValueError, AttributeError, SyntaxError, package, content


class _Body:
    def __init__(self, document: Any) -> None:
        self._styles = {style.style_id: str(style.name or "") for style in document.styles}
        self._bases = {style.style_id: _base(style) for style in document.styles}
        self._numbering = Numbering(document)
        relations = document.part.rels.items()
        self._links = {name: one.target_ref for name, one in relations if one.is_external}

    def parts(self, root: Any) -> Iterator[Part]:
        """Parts of a body or a content control, in order."""
        for child in root:
            if child.tag == f"{W}p":
                yield from self._paragraph(child)
            elif child.tag == f"{W}tbl":
                yield from self._table(child)
            elif child.tag == f"{W}sdt":
                content = child.find(f"{W}sdtContent")
                yield from () if content is None else self.parts(content)

    def _paragraph(self, node: Any) -> Iterator[Part]:
        text, marks = marked_text(node, self._links)
        if text:
            part = self._part(node, text, self._style(node))
            yield _numbered(part if part.label is Label.FORMULA else replace(part, marks=marks))
        yield from (Part(Label.PICTURE, alt) for alt in pictures(node))
        for box in boxes(node):
            yield from self.parts(box)

    def _part(self, node: Any, text: str, style: str) -> Part:
        heading = _HEADING.match(style)
        if style.lower() == "title":
            return Part(Label.TITLE, text)
        if heading is not None:
            item = self._numbering.item(node, style)
            number = "" if item is None or item.marker == "-" else item.marker
            return Part(Label.SECTION_HEADER, text, level=int(heading[1]), marker=number)
        if style.lower() == "caption":
            return Part(Label.CAPTION, text)
        if is_equation(node):
            return Part(Label.FORMULA, equation_text(node))
        item = self._numbering.item(node, style)
        if item is not None:
            return Part(Label.LIST_ITEM, text, level=item.level, marker=item.marker)
        return Part(Label.TEXT, text)

    def _style(self, node: Any) -> str:
        found = node.find(f"{W}pPr/{W}pStyle")
        name = None if found is None else found.get(f"{W}val")
        known, own = self._styles.get(name, ""), self._styles.get(name, "")
        for _ in range(len(self._styles)):
            if name is None:
                break
            if _HEADING.match(known) or known.lower() in ("title", "caption"):
                return known
            name = self._bases.get(name)
            known = self._styles.get(name, "")
        return own

    def _table(self, node: Any) -> Iterator[Part]:
        """A table; one with a single cell is layout, and is walked into."""
        own = node.findall(f"{W}tr/{W}tc")
        if len(own) == 1:
            yield from self.parts(own[0])
            return
        grid = _grid(node, self._links)
        if grid.cells:
            yield Part(Label.TABLE, grid.text, grid=grid)
        for paragraph in node.iter(f"{W}p"):
            yield from (Part(Label.PICTURE, alt) for alt in pictures(paragraph))


def _numbered(part: Part) -> Part:
    """A heading behind the number that Word shows before it."""
    if part.label is not Label.SECTION_HEADER or not part.marker:
        return part
    before = f"{part.marker} "
    marks = (replace(mark, start=mark.start + len(before), end=mark.end + len(before)) for mark in part.marks)
    return replace(part, text=before + (part.text or ""), marker="", marks=tuple(marks))


def _base(style: Any) -> str | None:
    found = style.element.find(f"{W}basedOn")
    return None if found is None else found.get(f"{W}val")


def _cell_text(node: Any, links: Links) -> tuple[str, tuple[Mark, ...]]:
    runs = Runs()
    for paragraph in node.iter(f"{W}p"):
        text, marks = marked_text(paragraph, links)
        runs.add_marked(f"{text}\n" if text else "", marks)
    return runs.take(collapse=False)


def _grid(table: Any, links: Links) -> Grid:
    cells: list[Cell] = []
    open_cells: dict[int, int] = {}
    rows = table.findall(f"{W}tr")
    width = 0
    for row_index, row in enumerate(rows):
        before = row.find(f"{W}trPr/{W}gridBefore")
        column = 0 if before is None else int(before.get(f"{W}val"))
        is_header = row.find(f"{W}trPr/{W}tblHeader") is not None or row_index == 0
        for node in row.iter(f"{W}tc"):
            if node.getparent() is not row and _row_of(node) is not row:
                continue
            span = _int(node, "gridSpan", 1)
            merge = node.find(f"{W}tcPr/{W}vMerge")
            if merge is not None and merge.get(f"{W}val") != "restart" and column in open_cells:
                above = cells[open_cells[column]]
                cells[open_cells[column]] = _taller(above)
            else:
                open_cells[column] = len(cells)
                text, marks = _cell_text(node, links)
                cells.append(Cell(text, row_index, column, 1, span, is_header, marks=marks))
            column += span
        width = max(width, column)
    return Grid(len(rows), width, tuple(cell for cell in cells if cell.text))


def _row_of(node: Any) -> Any:
    while node is not None and node.tag != f"{W}tr":
        node = node.getparent()
    return node


def _taller(cell: Cell) -> Cell:
    return replace(cell, row_span=cell.row_span + 1)


def _int(node: Any, name: str, default: int) -> int:
    found = node.find(f"{W}tcPr/{W}{name}")
    return default if found is None else max(int(found.get(f"{W}val")), 1)
