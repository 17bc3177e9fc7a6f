"""A settled document as Markdown; what is not verified is marked, and nothing is left out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from router.documents.across import continued
from router.documents.element import Element, Label, is_beside
from router.documents.marks import escaped, marked
from router.documents.outcome import Document, Outcome, Verdict
from router.documents.table import Cell, Grid

UNVERIFIED_MARK = "<!-- unverified: {engine} {confidence:.2f} -->"
_LINE_START = re.compile(r"^(\s*)(\d*)([#>+]|-(?=\s)|(?<=\d)[.)](?=\s))")


def to_markdown(document: Document, *, mark_unverified: bool = True) -> str:
    """Write the document; running headers, footers and reviewers' comments are left to the JSON."""
    blocks: list[str] = []
    was_item = False
    levels = _Levels()
    onward = continued(document)
    for outcome in document.outcomes:
        if is_beside(outcome.element) or not (block := _block(levels.nested(outcome))):
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


class _Levels:
    """How deep items are written: one deeper than the item above at most, or Markdown would see code."""

    def __init__(self) -> None:
        self._above: list[int] = []

    def nested(self, outcome: Outcome) -> Outcome:
        """The outcome, a list item at the depth at which it can be written."""
        element = outcome.element
        if element.label is not Label.LIST_ITEM:
            self._above = []
            return outcome
        self._above = [level for level in self._above if level < element.level] + [element.level]
        return replace(outcome, element=replace(element, level=len(self._above)))


def _rows_after(block: str, above: str) -> str:
    """The rows of a table that goes on, without its rule, and without a header that is only repeated."""
    header, _, *rows = block.split("\n")
    return "\n".join(rows if header in above.split("\n") else [header, *rows])


def table_lines(grid: Grid) -> Iterator[str]:
    """A grid as a Markdown table; a cell that spans is written in each of its slots."""
    rows = [[_cell(cell) for cell in row] for row in grid.places()]
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
    if element.label is Label.CODE:
        return _code(element, text)
    if element.label is Label.FORMULA:
        return f"$$\n{text}\n$$"
    said = _inline(outcome).strip("\n")
    return _WRITERS.get(element.label, _text)(element, said)


def _inline(outcome: Outcome) -> str:
    """The text with the marks that the file sets, where its own word stands."""
    native = outcome.element.native
    is_native = native is not None and native.text == outcome.text
    return marked(outcome.text, outcome.element.marks) if is_native else escaped(outcome.text)


def _title(_: Element, text: str) -> str:
    return f"# {_line(text)}"


def _heading(element: Element, text: str) -> str:
    return f"{'#' * min(element.level + 1, 6)} {_line(text)}"


def _item(element: Element, text: str) -> str:
    """Numbers that Markdown does not count by stand in the text: they are what the file shows."""
    marker, said = element.marker, _text(element, _line(text))
    marker += "." if marker.isdigit() else ""
    if not re.fullmatch(r"\d+[.)]", marker):
        said = f"{marker} {said}" if re.search(r"[^\W_]", marker) and len(marker) > 1 else said
        marker = "-"
    return f"{'    ' * (element.level - 1)}{marker} {said}"


def _code(element: Element, text: str) -> str:
    """Fenced by more backticks than the code has in a row."""
    fence = "`" * max(3, 1 + max(map(len, re.findall(r"`+", text)), default=0))
    return f"{fence}{element.marker}\n{text}\n{fence}"


def _text(_: Element, text: str) -> str:
    return "\n".join(_LINE_START.sub(r"\1\2\\\3", line) for line in text.split("\n"))


_WRITERS: Mapping[Label, Callable[[Element, str], str]] = {
    Label.TITLE: _title,
    Label.SECTION_HEADER: _heading,
    Label.LIST_ITEM: _item,
}


def _line(text: str) -> str:
    return " ".join(text.split())


def _cell(cell: Cell | None) -> str:
    return "" if cell is None else _line(marked(cell.text, cell.marks)).replace("|", "\\|")
