"""DOCX through python-docx: paragraphs by style, lists by numbering, tables with their spans.

The file is one page: where its pages break is the layout's business. Archives are checked before they are
opened, and entities in the XML are never resolved.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from router.documents.element import Label, Page
from router.documents.errors import Broken
from router.documents.limits import Limits
from router.documents.parse.archive import check_archive
from router.documents.parse.assemble import Assembly, Part
from router.documents.parse.docx_lists import Numbering
from router.documents.parse.docx_text import W, is_equation, paragraph_text, pictures
from router.documents.parse.library import library
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
            parts = list(_Body(document).parts(document.element.body))
        except _errors() as exc:
            raise Broken(f"the DOCX does not hold together: {type(exc).__name__}: {exc}") from exc
        yield Assembly(limits.element_count).page(1, 1, None, parts)


def _errors() -> tuple[type[Exception], ...]:
    package: type[Exception] = library("docx.opc.exceptions", "documents", "reading DOCX").OpcError
    content: type[Exception] = library("docx.exceptions", "documents", "reading DOCX").PythonDocxError
    return KeyError, ValueError, AttributeError, SyntaxError, package, content


class _Body:
    def __init__(self, document: Any) -> None:
        self._styles = {style.style_id: style.name for style in document.styles}
        self._numbering = Numbering(document)

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
        text = paragraph_text(node).strip()
        style = self._style(node)
        if text:
            yield self._part(node, text, style)
        yield from (Part(Label.PICTURE, alt) for alt in pictures(node))

    def _part(self, node: Any, text: str, style: str) -> Part:
        heading = _HEADING.match(style)
        if style.lower() == "title":
            return Part(Label.TITLE, text)
        if heading is not None:
            return Part(Label.SECTION_HEADER, text, level=int(heading[1]))
        if style.lower() == "caption":
            return Part(Label.CAPTION, text)
        if is_equation(node):
            return Part(Label.FORMULA, text)
        item = self._numbering.item(node, style)
        if item is not None:
            return Part(Label.LIST_ITEM, text, level=item.level, marker=item.marker)
        return Part(Label.TEXT, text)

    def _style(self, node: Any) -> str:
        found = node.find(f"{W}pPr/{W}pStyle")
        return "" if found is None else str(self._styles.get(found.get(f"{W}val")) or "")

    def _table(self, node: Any) -> Iterator[Part]:
        grid = _grid(node)
        if len(grid.cells) == 1:
            yield Part(Label.TEXT, grid.cells[0].text)
        elif grid.cells:
            yield Part(Label.TABLE, grid.text, grid=grid)


def _grid(table: Any) -> Grid:
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
                text = "\n".join(filter(None, (paragraph_text(p).strip() for p in node.iter(f"{W}p"))))
                cells.append(Cell(text, row_index, column, 1, span, is_header))
            column += span
        width = max(width, column)
    return Grid(len(rows), width, tuple(cell for cell in cells if cell.text))


def _row_of(node: Any) -> Any:
    while node is not None and node.tag != f"{W}tr":
        node = node.getparent()
    return node


def _taller(cell: Cell) -> Cell:
    return Cell(cell.text, cell.row, cell.column, cell.row_span + 1, cell.column_span, cell.is_header)


def _int(node: Any, name: str, default: int) -> int:
    found = node.find(f"{W}tcPr/{W}{name}")
    return default if found is None else max(int(found.get(f"{W}val")), 1)
