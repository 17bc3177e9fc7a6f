"""The way through an HTML tree: inline text is gathered until a block begins or ends.

Decides what each stretch of text is by the blocks that are open around it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from router.documents.element import Label
from router.documents.errors import TooLarge
from router.documents.marks import Mark, Style
from router.documents.parse.assemble import Part
from router.documents.parse.html_inline import children, inline_text, latex_of, setting_in
from router.documents.parse.html_table import grid_from
from router.documents.parse.runs import PLAIN, Runs, Setting

_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_LISTS = ("ul", "ol", "dl")
_ITEMS = ("li", "dt", "dd")
_LEAVES = ("table", "pre", "img")
# An item this long is no item any more: what follows is text of its own.
_LONG_ITEM = 10_000
_BLOCKS = _HEADINGS | {
    "p", "li", "ul", "ol", "dl", "dt", "dd", "table", "pre", "div", "section", "article", "main",
    "blockquote", "figure", "figcaption", "header", "footer", "nav", "aside", "form", "fieldset", "legend",
    "address", "hr", "body", "details", "summary", "center", "caption", "tbody", "tr", "td", "th",
}  # fmt: skip


@dataclass(slots=True)
class _Block:
    """A block that is open.

    ``has_begun``: it is a list item whose first text was given. ``number`` is an item's own, or a list's
    latest.
    """

    node: Any
    has_begun: bool = False
    number: int = 0


class Walk:
    """Goes through a tree once, without recursion."""

    def __init__(self, depth_limit: int) -> None:
        self._limit = depth_limit
        self._runs = Runs()
        self._open: list[_Block] = []
        self._held: Part | None = None
        self._held_by: _Block | None = None

    def parts(self, root: Any) -> Iterator[Part]:
        """Every part, in order. Raises TooLarge."""
        stack: list[tuple[Any, Setting, int, bool]] = [(root, PLAIN, 0, False)]
        while stack:
            node, setting, depth, is_end = stack.pop()
            if depth > self._limit:
                raise TooLarge(f"elements are nested deeper than {self._limit}")
            if is_end:
                yield from self._flush()
                self._open.pop()
            elif node.tag in _LEAVES and not _is_layout(node):
                yield from self._flush()
                for part in _leaf(node):
                    yield from self._give(part, None)
            elif not self._add(node, setting):
                if node.tag in _BLOCKS:
                    yield from self._flush()
                    self._open.append(self._block(node))
                    stack.append((node, setting, depth, True))
                inner = setting_in(node, setting)
                stack += [(child, inner, depth + 1, False) for child in reversed(list(children(node)))]
        yield from self._flush()
        if self._held is not None:
            yield self._held

    def _add(self, node: Any, setting: Setting) -> bool:
        """Take a node that is text itself; False: it must be walked into."""
        if node.tag == "-text":
            # A line break in the source is a space; only ``br`` breaks a line.
            self._runs.add(str(node.text(deep=False)).replace("\n", " "), setting)
        elif node.tag == "br":
            self._runs.add("\n", setting)
        elif node.tag == "math" and (formula := latex_of(node)):
            self._runs.add(formula, setting.also(Style.FORMULA))
        else:
            return False
        return True

    def _block(self, node: Any) -> _Block:
        """Open a block; items count on in their list, as browsers do."""
        if node.tag == "ol":
            first = _number(node, "start")
            return _Block(node, number=(1 if first is None else first) - 1)
        if node.tag != "li" or not self._open:
            return _Block(node)
        own = _number(node, "value")
        around = self._open[-1]
        around.number = around.number + 1 if own is None else own
        return _Block(node, number=around.number)

    def _flush(self) -> Iterator[Part]:
        """Give what was gathered, as what the innermost open block makes of it."""
        text, marks = self._runs.take()
        if not text:
            return
        tag = self._open[-1].node.tag if self._open else ""
        item = next((block for block in reversed(self._open) if block.node.tag in _ITEMS), None)
        if tag in _HEADINGS:
            level = int(tag[1])
            label = Label.TITLE if level == 1 else Label.SECTION_HEADER
            yield from self._give(Part(label, text, level=max(level - 1, 1), marks=marks), None)
        elif tag in ("figcaption", "caption"):
            yield from self._give(Part(Label.CAPTION, text, marks=marks), None)
        elif item is None:
            yield from self._give(Part(Label.TEXT, text, marks=marks), None)
        elif item is self._held_by and self._held is not None and len(self._held.text or "") < _LONG_ITEM:
            self._held = _longer(self._held, text, marks)
        else:
            yield from self._give(self._item(item, text, marks), item)

    def _item(self, item: _Block, text: str, marks: tuple[Mark, ...]) -> Part:
        """The first text of a list item; later text that something stands before is text of its own."""
        if item.has_begun:
            return Part(Label.TEXT, text, marks=marks)
        item.has_begun = True
        lists = [block.node.tag for block in self._open if block.node.tag in _LISTS]
        level = max(len(lists), 1) + (item.node.tag == "dd")
        marker = f"{item.number}." if lists and lists[-1] == "ol" else "-"
        return Part(Label.LIST_ITEM, text, level=level, marker=marker, marks=marks)

    def _give(self, part: Part, item: _Block | None) -> Iterator[Part]:
        """Give the part before, and hold this one back: more text of its item may follow."""
        if self._held is not None:
            yield self._held
        self._held, self._held_by = part, item


def _longer(part: Part, text: str, marks: tuple[Mark, ...]) -> Part:
    before = f"{part.text}\n"
    moved = [replace(mark, start=mark.start + len(before), end=mark.end + len(before)) for mark in marks]
    return replace(part, text=before + text, marks=(*part.marks, *moved))


def _number(node: Any, name: str) -> int | None:
    raw = (node.attributes.get(name) or "").strip()
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 10 else None


def _is_layout(node: Any) -> bool:
    """Whether a table only holds its content in place: it has a single cell, or says so."""
    if node.tag != "table":
        return False
    return node.attributes.get("role") == "presentation" or len(node.css("td, th")) == 1


def _leaf(node: Any) -> Iterator[Part]:
    if node.tag == "table":
        yield from _table(node)
    elif node.tag == "pre":
        text = textwrap.dedent(node.text().strip("\n")).rstrip()
        if text.strip():
            yield Part(Label.CODE, text, marker=_language(node))
    elif node.tag == "img":
        yield Part(Label.PICTURE, (node.attributes.get("alt") or "").strip())


def _language(node: Any) -> str:
    """The language of code, where its class names one as HTML's standard advises."""
    for one in (node, *node.css("code")):
        for name in (one.attributes.get("class") or "").split():
            if name.startswith(("language-", "lang-")):
                return str(name.partition("-")[2])
    return ""


def _table(node: Any) -> Iterator[Part]:
    """A table behind its caption."""
    caption = node.css_first("caption")
    if caption is not None:
        text, marks = inline_text(caption)
        if text:
            yield Part(Label.CAPTION, text, marks=marks)
    grid = grid_from(node)
    if grid.cells:
        yield Part(Label.TABLE, grid.text, grid=grid)
