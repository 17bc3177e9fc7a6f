"""A document from docling's JSON: what docling read, as one more engine's reading."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from router.documents.docling.write import MIME_TYPES
from router.documents.element import FURNITURE, Element, Label, Page, Provenance, Reading
from router.documents.errors import Broken
from router.documents.geometry import Box, Origin
from router.documents.outcome import Document, Outcome, SettledPage, Try, Verdict
from router.documents.table import Cell, Grid

ENGINE = "docling"
_LABELS: Mapping[str, Label] = {
    **{str(label): label for label in Label},
    "paragraph": Label.TEXT,
    "checkbox_selected": Label.TEXT,
    "checkbox_unselected": Label.TEXT,
    "reference": Label.TEXT,
    "document_index": Label.TABLE,
    "key_value_region": Label.FORM,
}
_TEXTS = ("list_item", "section_header", "title", "text", "paragraph", "caption")
_LISTS = ("list", "ordered_list")


def from_docling(data: Mapping[str, Any], *, digest: str = "") -> Document:
    """Read docling's JSON; nothing in it is verified. Raises Broken where it is no such JSON."""
    if data.get("schema_name") != "DoclingDocument":
        raise Broken(f"its schema_name is {data.get('schema_name')!r}, not 'DoclingDocument'")
    try:
        return _Reader(data).document(digest)
    except (KeyError, TypeError, ValueError, IndexError) as exc:
        raise Broken(f"it is no whole DoclingDocument: {type(exc).__name__}: {exc}") from exc


class _Reader:
    def __init__(self, data: Mapping[str, Any]) -> None:
        self._data = data
        self._counts: defaultdict[int, int] = defaultdict(int)

    def document(self, digest: str) -> Document:
        """Read all items in the order of the tree, page by page."""
        by_page: defaultdict[int, list[Outcome]] = defaultdict(list)
        for outcome in self._walk(self._data["body"], None, 0, frozenset()):
            by_page[outcome.element.provenance.page].append(outcome)
        sizes = {int(number): page.get("size") or {} for number, page in self._data.get("pages", {}).items()}
        numbers = sorted({*by_page, *sizes}) or [1]
        pages = tuple(
            SettledPage(
                Page(
                    number,
                    len(numbers),
                    sizes.get(number, {}).get("width"),
                    sizes.get(number, {}).get("height"),
                    (),
                ),
                tuple(by_page[number]),
            )
            for number in numbers
        )
        origin = self._data.get("origin") or {}
        name = origin.get("filename") or self._data.get("name", "")
        return Document(name, digest, _kind(origin.get("mimetype", "")), pages)

    def _walk(
        self, node: Mapping[str, Any], parent: str | None, depth: int, above: frozenset[str]
    ) -> Iterator[Outcome]:
        """Give the outcomes below ``node``; a reference that leads back up is an error."""
        for child in node.get("children", ()):
            reference = child["$ref"]
            if reference in above:
                raise ValueError(f"{reference} is its own ancestor")
            item = self._item(reference)
            below = above | {reference}
            if item.get("label") == "inline":
                if (joined := self._joined(item)) is not None:
                    yield self._outcome(joined, parent, max(depth, 1))
                continue
            if reference.startswith("#/groups/"):
                deeper = depth + (item.get("label") in _LISTS)
                yield from self._walk(item, parent, deeper, below)
                continue
            item = self._whole(item)
            outcome = self._outcome(item, parent, max(depth, 1))
            yield outcome
            is_heading = outcome.element.label in (Label.TITLE, Label.SECTION_HEADER)
            yield from self._walk(item, outcome.element.id if is_heading else parent, depth, below)

    def _whole(self, item: Mapping[str, Any]) -> Mapping[str, Any]:
        """The item with what docling hangs below it: inline text is its own, and what cells hold they say."""
        children = list(item.get("children", ()))
        cells = (item.get("data") or {}).get("table_cells") or ()
        in_cells = [cell["ref"] for cell in cells if cell.get("ref")]
        if in_cells:
            return {**item, "children": [child for child in children if child not in in_cells]}
        if not item.get("text") and children and item.get("label") in _TEXTS:
            first = self._item(children[0]["$ref"])
            joined = self._joined(first) if first.get("label") == "inline" else None
            if joined is not None:
                return {**item, "text": joined["text"], "children": children[1:]}
        return item

    def _joined(self, group: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The texts of an inline group as one, as they stand on one line; None: there are none."""
        pieces = [self._item(child["$ref"]) for child in group.get("children", ())]
        texts = [str(piece.get("text") or "") for piece in pieces]
        if not any(texts):
            return None
        return {**pieces[0], "label": "text", "text": " ".join(filter(None, texts)), "children": []}

    def _item(self, reference: str) -> Mapping[str, Any]:
        _, kind, index = reference.split("/")
        item: Mapping[str, Any] = self._data[kind][int(index)]
        return item

    def _outcome(self, item: Mapping[str, Any], parent: str | None, depth: int) -> Outcome:
        label = _LABELS.get(item["label"], Label.TEXT)
        if item.get("content_layer") == "furniture" and label not in FURNITURE:
            label = Label.PAGE_HEADER
        place = _place(item.get("prov") or [])
        self._counts[place.page] += 1
        grid = _grid(item["data"]) if label is Label.TABLE and "data" in item else None
        reading = Reading(ENGINE, _text(item, grid), grid)
        level = item.get("level", 1) if label is not Label.LIST_ITEM else depth
        marker = item.get("marker") or ""
        name = f"p{place.page}/e{self._counts[place.page]}"
        features = {"comment": 1.0} if item.get("content_layer") == "notes" else {}
        element = Element(name, label, place, level, parent, marker, reading, features=features)
        return Outcome(
            element, reading, 0.0, Verdict.UNVERIFIED, "imported", tries=(Try(ENGINE, "imported", reading),)
        )


def _text(item: Mapping[str, Any], grid: Grid | None) -> str:
    if grid is not None:
        return grid.text
    described = [
        one.get("text", "") for one in item.get("annotations") or () if one.get("kind") == "description"
    ]
    return str(item.get("text") or " ".join(described))


def _place(provenance: list[Mapping[str, Any]]) -> Provenance:
    if not provenance:
        return Provenance(1)
    first = provenance[0]
    sides = first["bbox"]
    box = Box(sides["l"], sides["t"], sides["r"], sides["b"], Origin(sides.get("coord_origin", "TOPLEFT")))
    start, end = first.get("charspan", (0, 0))
    return Provenance(first["page_no"], box, (start, end))


def _grid(data: Mapping[str, Any]) -> Grid:
    cells = tuple(
        Cell(
            cell["text"],
            cell["start_row_offset_idx"],
            cell["start_col_offset_idx"],
            cell["end_row_offset_idx"] - cell["start_row_offset_idx"],
            cell["end_col_offset_idx"] - cell["start_col_offset_idx"],
            bool(cell.get("column_header")),
        )
        for cell in data["table_cells"]
        if cell["text"]
    )
    return Grid(data["num_rows"], data["num_cols"], cells)


def _kind(mimetype: str) -> str:
    return next((kind for kind, known in MIME_TYPES.items() if known == mimetype), "docling")
