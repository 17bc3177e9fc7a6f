"""HTML through selectolax: what a reader would read, and not the page around it.

Decides which elements carry text and drops what is hidden or runs; on pages with an ``article`` or ``main``
only that is read. Refuses to load anything that the page refers to.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from router.documents.element import Label, Page
from router.documents.errors import TooLarge
from router.documents.limits import Limits
from router.documents.parse.assemble import Assembly, Part
from router.documents.parse.html_table import grid_from
from router.documents.parse.library import library

_DROPPED = "script, style, noscript, template, iframe, object, embed, svg, button, select, input, [hidden]"
_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_BLOCKS = _HEADINGS | {
    "p", "li", "ul", "ol", "dl", "dt", "dd", "table", "pre", "div", "section", "article", "main",
    "blockquote", "figure", "figcaption", "header", "footer", "nav", "aside", "form", "fieldset",
    "address", "hr", "body", "details", "summary", "center", "img", "caption",
}  # fmt: skip


class HtmlSplitter:
    """Splits HTML; the file is one page."""

    def split(self, path: Path, limits: Limits) -> Iterator[Page]:
        """Give the one page; see :class:`router.documents.parse.base.Splitter`."""
        parts = list(parts_of_html(path.read_bytes(), depth_limit=limits.depth * 10))
        yield Assembly(limits.element_count).page(1, 1, None, parts)


def parts_of_html(source: str | bytes, *, depth_limit: int = 2000) -> Iterator[Part]:
    """The parts of an HTML text in order. Raises TooLarge where it is nested too deep."""
    parser = library("selectolax.lexbor", "documents", "reading HTML").LexborHTMLParser(source)
    for node in parser.css(_DROPPED):
        node.decompose()
    root = _content(parser)
    if root is not None:
        yield from _Walk(depth_limit).parts(root)


def _content(parser: Any) -> Any:
    """The article where the page marks exactly one, else the body."""
    for selector in ("main", "article"):
        found = parser.css(selector)
        if len(found) == 1 and len(found[0].text()) > len(parser.body.text()) / 3:
            return found[0]
    return parser.body


class _Walk:
    """Goes through the tree without recursion, gathering inline text until a block begins or ends."""

    def __init__(self, depth_limit: int) -> None:
        self._limit = depth_limit
        self._text: list[str] = []
        self._is_fresh_item = False

    def parts(self, root: Any) -> Iterator[Part]:
        stack: list[tuple[Any, str, int, bool]] = [(root, "", 0, False)]
        while stack:
            node, around, depth, is_end = stack.pop()
            if depth > self._limit:
                raise TooLarge(f"elements are nested deeper than {self._limit}")
            if is_end:
                yield from self._flush(node.tag, around, node)
                continue
            if node.tag == "-text":
                self._text.append(node.text(deep=False) if around == "pre" else " ".join(_spaced(node)))
            elif node.tag == "br":
                self._text.append("\n")
            elif node.tag in ("table", "pre", "img"):
                yield from self._flush("", around, None)
                yield from _leaf(node)
            else:
                if node.tag in _BLOCKS:
                    yield from self._flush(_outer(node), around, node.parent)
                    stack.append((node, around, depth, True))
                self._is_fresh_item = self._is_fresh_item or node.tag == "li"
                inner = f"{around} {node.tag}" if node.tag in ("ul", "ol", "li") else around
                stack += [(child, inner, depth + 1, False) for child in reversed(list(_children(node)))]

    def _flush(self, tag: str, around: str, node: Any) -> Iterator[Part]:
        text = _tidy("".join(self._text))
        self._text = []
        if not text:
            return
        if tag in _HEADINGS:
            level = int(tag[1])
            label = Label.TITLE if level == 1 else Label.SECTION_HEADER
            yield Part(label, text, level=max(level - 1, 1))
        elif tag in ("dd", "dt") or self._is_fresh_item:
            self._is_fresh_item = False
            yield _item(text, around, node)
        elif tag in ("figcaption", "caption"):
            yield Part(Label.CAPTION, text)
        else:
            yield Part(Label.TEXT, text)


def _item(text: str, around: str, node: Any) -> Part:
    lists = [name for name in around.split() if name != "li"]
    while node is not None and node.tag not in ("li", "dd", "dt"):
        node = node.parent
    marker = _marker(node) if node is not None and lists and lists[-1] == "ol" else "-"
    return Part(Label.LIST_ITEM, text, level=max(len(lists), 1), marker=marker)


def _outer(node: Any) -> str:
    return node.parent.tag if node.parent is not None and node.tag not in _HEADINGS else ""


def _children(node: Any) -> Iterator[Any]:
    child = node.child
    while child is not None:
        yield child
        child = child.next


def _spaced(node: Any) -> list[str]:
    """The words of a text node, with the spaces at its ends kept as one each."""
    raw = str(node.text(deep=False))
    words = raw.split()
    if not words:
        return [" "] if raw else []
    words[0] = (" " if raw[0].isspace() else "") + words[0]
    words[-1] += " " if raw[-1].isspace() else ""
    return words


def _tidy(text: str) -> str:
    return "\n".join(" ".join(line.split()) for line in text.split("\n")).strip()


def _marker(node: Any) -> str:
    position, before = 1, node.prev
    while before is not None:
        position += before.tag == "li"
        before = before.prev
    return f"{position}."


def _leaf(node: Any) -> Iterator[Part]:
    if node.tag == "table":
        yield from _table(node)
    elif node.tag == "pre":
        text = node.text().strip("\n")
        if text.strip():
            yield Part(Label.CODE, text)
    elif node.tag == "img":
        yield Part(Label.PICTURE, (node.attributes.get("alt") or "").strip())


def _table(node: Any) -> Iterator[Part]:
    """A table; one with a single cell is layout, and what is in it is text."""
    grid = grid_from(node)
    if len(grid.cells) == 1:
        yield Part(Label.TEXT, grid.cells[0].text)
    elif grid.cells:
        yield Part(Label.TABLE, grid.text, grid=grid)
