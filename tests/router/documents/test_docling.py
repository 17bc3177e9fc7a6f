"""To docling's format and back."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.documents.assemble import open_pipeline
from router.documents.docling import from_docling, to_docling
from router.documents.errors import Broken
from router.documents.outcome import Document
from router.documents.pipeline import Job
from tests.router.documents.files import Sheet, pdf, prose, put, table
from tests.router.documents.test_parse_pdf import ROWS

MARKDOWN = (
    "# T\n\ntext\n\n## A\n\n- one\n    - two\n- three\n\n1. x\n\n"
    "| a | b |\n|---|---|\n| 1 | 2 |\n\n```\ncode\n```\n"
)


async def _document(path: Path) -> Document:
    async with open_pipeline() as pipeline:
        return (await pipeline.document(Job(path))).document


def _essence(document: Document) -> list[tuple[object, ...]]:
    return [
        (
            o.element.id,
            o.element.label,
            o.element.level,
            o.element.parent,
            o.element.marker if o.element.label == "list_item" else "",
            o.text,
            o.element.provenance.page,
            o.element.provenance.box,
            None if o.reading is None or o.reading.grid is None else o.reading.grid.slots(),
        )
        for o in document.outcomes
    ]


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.md", MARKDOWN.encode()), ("a.pdf", pdf([Sheet((*prose(3), *table(ROWS))), Sheet(prose(2))]))],
)
async def test_round_trip(tmp_path: Path, name: str, data: bytes) -> None:
    """Labels, levels, parents, marks, texts, places and cells come back as they went."""
    document = await _document(put(tmp_path, name, data))
    assert _essence(from_docling(to_docling(document))) == _essence(document)


async def test_second_trip_changes_nothing(tmp_path: Path) -> None:
    """What came back goes out again byte for byte."""
    written = to_docling(await _document(put(tmp_path, "a.md", MARKDOWN)))
    again = to_docling(from_docling(written))
    assert again["texts"] == written["texts"]
    assert again["body"] == written["body"]


def test_other_json_is_refused() -> None:
    """What is no docling document says so."""
    with pytest.raises(Broken, match="DoclingDocument"):
        from_docling({"schema_name": "x"})


def test_loops_are_refused() -> None:
    """A tree that bites its own tail is no tree."""
    group = {"self_ref": "#/groups/0", "children": [{"$ref": "#/groups/0"}], "label": "list"}
    data = {
        "schema_name": "DoclingDocument",
        "body": {"children": [{"$ref": "#/groups/0"}]},
        "groups": [group],
    }
    with pytest.raises(Broken, match="its own ancestor"):
        from_docling(data)
