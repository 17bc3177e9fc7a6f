"""HTML through selectolax: what a reader would read, and not the page around it.

Decides which elements carry text and drops what is hidden or runs; on pages with an ``article`` or ``main``
only that is read. Refuses to load anything that the page refers to.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from router.documents.element import Label, Page
from router.documents.limits import Limits
from router.documents.parse.assemble import Assembly, Part
from router.documents.parse.html_walk import Walk
from router.documents.parse.library import library

_DROPPED = "script, style, noscript, template, iframe, object, embed, svg, button, select, input, [hidden]"


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
    title = parser.css_first("head > title")
    if title is not None and (name := " ".join(title.text().split())):
        yield Part(Label.PAGE_HEADER, name)
    root = _content(parser)
    if root is not None:
        yield from Walk(depth_limit).parts(root)


def _content(parser: Any) -> Any:
    """The article where the page marks exactly one, else the body."""
    for selector in ("main", "article"):
        found = parser.css(selector)
        if len(found) == 1 and len(found[0].text()) > len(parser.body.text()) / 3:
            return found[0]
    return parser.body
