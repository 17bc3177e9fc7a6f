"""Tables that run over pages."""

from __future__ import annotations

import json
from pathlib import Path

from router.documents.assemble import open_pipeline
from router.documents.events import Finished
from router.documents.output.json import to_json
from router.documents.output.markdown import to_markdown
from router.documents.pipeline import Job
from tests.router.documents.files import Sheet, pdf, prose, put, table

HEAD = ["Item", "Count", "Price"]
FIRST = [
    HEAD,
    ["Apples", "3", "1.20"],
    ["Pears", "5", "2.50"],
    ["Plums", "10", "4.75"],
    ["Figs", "2", "0.80"],
]
SECOND = [
    HEAD,
    ["Grapes", "4", "3.10"],
    ["Limes", "6", "1.90"],
    ["Dates", "8", "5.25"],
    ["Nuts", "9", "7.15"],
]


async def _read(directory: Path, *sheets: Sheet) -> Finished:
    async with open_pipeline() as pipeline:
        return await pipeline.document(Job(put(directory, "a.pdf", pdf(sheets))))


async def test_a_table_goes_on_over_the_page(tmp_path: Path) -> None:
    """Both parts are elements with their places; in Markdown they are one, with one header."""
    above = Sheet((*prose(2), *table(FIRST, y=140)))
    below = Sheet((*table(SECOND, y=780), *prose(2, start=500)))
    finished = await _read(tmp_path, above, below)
    parts = [element for element in json.loads(to_json(finished))["elements"] if element["label"] == "table"]
    assert [part.get("continues") for part in parts] == [None, parts[0]["id"]]
    written = to_markdown(finished.document, mark_unverified=False)
    assert written.count("| Item | Count | Price |") == 1
    assert "| Figs | 2 | 0.80 |\n| Grapes | 4 | 3.10 |" in written


async def test_another_table_on_the_next_page_is_another(tmp_path: Path) -> None:
    """With text between, or other columns, a table begins anew."""
    above = Sheet((*prose(2), *table(FIRST, y=140)))
    below = Sheet((*prose(2, start=800), *table(SECOND, y=600)))
    finished = await _read(tmp_path, above, below)
    assert not any("continues" in element for element in json.loads(to_json(finished))["elements"])
