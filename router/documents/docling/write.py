"""A settled document as docling's JSON."""

from __future__ import annotations

from typing import Any

from router.documents.element import FURNITURE, Element, Label
from router.documents.outcome import Document, Outcome
from router.documents.table import Cell, Grid

SCHEMA, VERSION = "DoclingDocument", "1.7.0"
MIME_TYPES = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "html": "text/html",
    "markdown": "text/markdown",
    "image": "image/png",
}
_HASH_DIGITS = 16


def to_docling(document: Document) -> dict[str, Any]:
    """The document in docling's shape; every element becomes one item, in reading order."""
    tree = _Tree()
    for outcome in document.outcomes:
        tree.add(outcome)
    return {
        "schema_name": SCHEMA,
        "version": VERSION,
        "name": document.name.rpartition(".")[0] or document.name,
        "origin": {
            "mimetype": MIME_TYPES.get(document.kind, "application/octet-stream"),
            "binary_hash": int(document.digest[:_HASH_DIGITS] or "0", 16),
            "filename": document.name,
        },
        "furniture": _group("#/furniture", None, "_root_", "unspecified", layer="furniture"),
        "body": tree.body,
        "groups": tree.items["groups"],
        "texts": tree.items["texts"],
        "pictures": tree.items["pictures"],
        "tables": tree.items["tables"],
        "key_value_items": [],
        "form_items": [],
        "pages": {
            str(page.page.number): {
                "size": {"width": page.page.width, "height": page.page.height},
                "page_no": page.page.number,
            }
            for page in document.pages
            if page.page.width is not None
        },
    }


class _Tree:
    """Items by kind, hung under their headings, list items under groups nested as deep as they are."""

    def __init__(self) -> None:
        self.body = _group("#/body", None, "_root_", "unspecified")
        self.items: dict[str, list[dict[str, Any]]] = {
            "texts": [],
            "tables": [],
            "pictures": [],
            "groups": [],
        }
        self._by_id: dict[str, dict[str, Any]] = {}
        self._lists: list[dict[str, Any]] = []
        self._last_item: dict[str, Any] | None = None

    def add(self, outcome: Outcome) -> None:
        """Hang up one element."""
        element = outcome.element
        parent = self._by_id.get(element.parent or "", self.body)
        if element.label is Label.LIST_ITEM:
            parent = self._list_for(element, parent)
        else:
            self._lists = []
        kind = {Label.TABLE: "tables", Label.PICTURE: "pictures", Label.CHART: "pictures"}.get(
            element.label, "texts"
        )
        item = self._hung(kind, parent, _content(outcome))
        self._by_id[element.id] = item
        self._last_item = item if element.label is Label.LIST_ITEM else None

    def _list_for(self, element: Element, parent: dict[str, Any]) -> dict[str, Any]:
        del self._lists[element.level :]
        while len(self._lists) < element.level:
            above = self._last_item if self._lists and self._last_item is not None else parent
            self._lists.append(self._hung("groups", above, {"name": "list", "label": "list"}))
        return self._lists[-1]

    def _hung(self, kind: str, parent: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
        reference = f"#/{kind}/{len(self.items[kind])}"
        item = {
            "self_ref": reference,
            "parent": {"$ref": parent["self_ref"]},
            "children": [],
            "content_layer": "body",
            **content,
        }
        self.items[kind].append(item)
        parent["children"].append({"$ref": reference})
        return item


def _group(
    reference: str, parent: str | None, name: str, label: str, *, layer: str = "body"
) -> dict[str, Any]:
    above = {} if parent is None else {"parent": {"$ref": parent}}
    return {
        "self_ref": reference,
        **above,
        "children": [],
        "content_layer": layer,
        "name": name,
        "label": label,
    }


def _content(outcome: Outcome) -> dict[str, Any]:
    element = outcome.element
    layer = {"content_layer": "furniture"} if element.label in FURNITURE else {}
    if element.features.get("comment"):
        layer = {"content_layer": "notes"}
    common = {**layer, "label": str(element.label), "prov": _provenance(element)}
    if element.label in (Label.PICTURE, Label.CHART):
        return common | {
            "captions": [],
            "references": [],
            "footnotes": [],
            "annotations": _described(outcome),
        }
    if element.label is Label.TABLE:
        grid = outcome.reading.grid if outcome.reading and outcome.reading.grid else Grid(0, 0, ())
        return common | {"captions": [], "references": [], "footnotes": [], "data": _table(grid)}
    text = {"orig": outcome.text, "text": outcome.text}
    if element.label is Label.SECTION_HEADER:
        return common | text | {"level": element.level}
    if element.label is Label.LIST_ITEM:
        return common | text | {"enumerated": element.marker[:1].isdigit(), "marker": element.marker}
    if element.label is Label.CODE:
        return common | text | {"captions": [], "references": [], "footnotes": [], "code_language": "unknown"}
    return common | text


def _described(outcome: Outcome) -> list[dict[str, Any]]:
    if not outcome.text:
        return []
    return [{"kind": "description", "text": outcome.text, "provenance": outcome.engine}]


def _provenance(element: Element) -> list[dict[str, Any]]:
    place = element.provenance
    if place.box is None:
        return []
    box = place.box
    sides = {"l": box.left, "t": box.top, "r": box.right, "b": box.bottom, "coord_origin": str(box.origin)}
    return [{"page_no": place.page, "bbox": sides, "charspan": list(place.span)}]


def _table(grid: Grid) -> dict[str, Any]:
    cells = [_cell(cell) for cell in grid.cells]
    by_slot = {
        (row, column): cell
        for cell in cells
        for row in range(cell["start_row_offset_idx"], cell["end_row_offset_idx"])
        for column in range(cell["start_col_offset_idx"], cell["end_col_offset_idx"])
    }
    rows = [
        [by_slot.get((row, column)) or _cell(Cell("", row, column)) for column in range(grid.column_count)]
        for row in range(grid.row_count)
    ]
    return {"table_cells": cells, "num_rows": grid.row_count, "num_cols": grid.column_count, "grid": rows}


def _cell(cell: Cell) -> dict[str, Any]:
    return {
        "row_span": cell.row_span,
        "col_span": cell.column_span,
        "start_row_offset_idx": cell.row,
        "end_row_offset_idx": cell.row + cell.row_span,
        "start_col_offset_idx": cell.column,
        "end_col_offset_idx": cell.column + cell.column_span,
        "text": cell.text,
        "column_header": cell.is_header,
        "row_header": False,
        "row_section": False,
    }
