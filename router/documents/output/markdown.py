"""A settled document as Markdown; what is not verified is marked, and nothing is left out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from router.documents.across import continued
from router.documents.element import FURNITURE, Element, Label
from router.documents.outcome import Document, Outcome, Verdict
from router.documents.table import Grid

UNVERIFIED_MARK = "<!-- unverified: {engine} {confidence:.2f} -->"
_LINE_START = re.compile(r"^(\s*)([#>+]|-(?=\s)|\d+[.)](?=\s))")


def to_markdown(document: Document, *, mark_unverified: bool = True) -> str:
    """Write the document; running headers and footers are left to the JSON."""
    blocks: list[str] = []
    was_item = False
    onward = continued(document)
    for outcome in document.outcomes:
        if outcome.element.label in FURNITURE or not (block := _block(outcome)):
            continue
        is_doubtful = mark_unverified and outcome.verdict is Verdict.UNVERIFIED
        if outcome.element.id in onward and blocks and not is_doubtful:
            blocks[-1] += f"\n{_rows_after(block, blocks[-1])}"
            continue
        if is_doubtful:
            block = f"{_mark(outcome)}\n{block}"
        is_item = outcome.element.label is Label.LIST_ITEM
        if was_item and is_item and blocks:
            blocks[-1] += f"\n{block}"
        else:
            blocks.append(block)
        was_item = is_item
    return "\n\n".join(blocks) + "\n" if blocks else ""


def _rows_after(block: str, above: str) -> str:
    """The rows of a table that goes on, without its rule, and without a header that is only repeated."""
    header, _, *rows = block.split("\n")
    return "\n".join(rows if header in above.split("\n") else [header, *rows])


def table_lines(grid: Grid) -> Iterator[str]:
    """A grid as a Markdown table; a cell that spans is written in each of its slots."""
    rows = [[_cell(text) for text in row] for row in grid.slots()]
    if not rows:
        return
    yield "| " + " | ".join(rows[0]) + " |"
    yield "|" + " --- |" * len(rows[0])
    for row in rows[1:]:
        yield "| " + " | ".join(row) + " |"


def _mark(outcome: Outcome) -> str:
    return UNVERIFIED_MARK.format(engine=outcome.engine or "nobody", confidence=outcome.confidence)


def _block(outcome: Outcome) -> str:
    element, reading = outcome.element, outcome.reading
    text = outcome.text.strip("\n")
    if element.label is Label.TABLE and reading is not None and reading.grid is not None:
        return "\n".join(table_lines(reading.grid))
    if element.label is Label.PICTURE:
        return f"![{' '.join(text.split())}]()"
    if not text.strip():
        return "" if reading is not None else f"<!-- {element.id}: nobody could read this {element.label} -->"
    return _WRITERS.get(element.label, _text)(element, text)


def _title(_: Element, text: str) -> str:
    return f"# {_line(text)}"


def _heading(element: Element, text: str) -> str:
    return f"{'#' * min(element.level + 1, 6)} {_line(text)}"


def _item(element: Element, text: str) -> str:
    marker = element.marker if re.fullmatch(r"\d+[.)]", element.marker) else "-"
    return f"{'    ' * (element.level - 1)}{marker} {_line(text)}"


def _code(element: Element, text: str) -> str:
    """Fenced by more backticks than the code has in a row."""
    fence = "`" * max(3, 1 + max(map(len, re.findall(r"`+", text)), default=0))
    return f"{fence}{element.marker}\n{text}\n{fence}"


def _formula(_: Element, text: str) -> str:
    return f"$$\n{text}\n$$"


def _text(_: Element, text: str) -> str:
    return "\n".join(_LINE_START.sub(r"\1\\\2", line) for line in text.split("\n"))


_WRITERS: Mapping[Label, Callable[[Element, str], str]] = {
    Label.TITLE: _title,
    Label.SECTION_HEADER: _heading,
    Label.LIST_ITEM: _item,
    Label.CODE: _code,
    Label.FORMULA: _formula,
}


def _line(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    return _line(text).replace("|", "\\|")
