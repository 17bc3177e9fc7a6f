"""Markdown and HTML, split."""

from __future__ import annotations

import pytest

from router.documents.element import Label, Page
from router.documents.errors import Broken, TooLarge
from router.documents.limits import Limits
from tests.router.documents.conftest import Split


def _said(page: Page) -> list[tuple[str, str]]:
    return [(str(element.label), element.native.text if element.native else "") for element in page.elements]


def test_markdown_has_headings_lists_tables_and_code(split: Split) -> None:
    """Every kind of block becomes an element of its label."""
    text = (
        "# Title\n\nSome *text*.\n\n## Part\n\n- one\n  - two\n\n"
        "| a | b |\n|---|---|\n| 1 | 2 |\n\n```python\nx = 1\n```\n"
    )
    (page,) = split("a.md", text)
    assert _said(page) == [
        ("title", "Title"),
        ("text", "Some text."),
        ("section_header", "Part"),
        ("list_item", "one"),
        ("list_item", "two"),
        ("table", "a\tb\n1\t2"),
        ("code", "x = 1"),
    ]
    assert [element.level for element in page.elements if element.label is Label.LIST_ITEM] == [1, 2]


def test_elements_belong_to_the_heading_above(split: Split) -> None:
    """A paragraph's parent is the nearest heading, a heading's the nearest higher one."""
    (page,) = split("a.md", "# T\n\n## A\n\ntext\n\n## B\n")
    parents = {element.id: element.parent for element in page.elements}
    assert parents == {"p1/e1": None, "p1/e2": "p1/e1", "p1/e3": "p1/e2", "p1/e4": "p1/e1"}


def test_spans_point_into_the_page(split: Split) -> None:
    """Each element's characters are found at its span."""
    (page,) = split("a.md", "# Title\n\nOne.\n\nTwo.\n")
    for element in page.elements:
        start, end = element.provenance.span
        assert element.native is not None
        assert page.source_text[start:end] == element.native.text


def test_markdown_must_be_utf8(split: Split) -> None:
    """Other encodings are refused, with the place of the first odd byte."""
    with pytest.raises(Broken, match="byte 2"):
        split("a.md", b"ab\xff")


def test_html_reads_the_article_and_not_the_page(split: Split) -> None:
    """Scripts, styles and what is hidden are no text; with one article, only that is read."""
    html = (
        "<!doctype html><title>x</title><nav>menu</nav><article><h1>News</h1><p>It <b>rains</b>.</p>"
        "<script>no()</script><p hidden>no</p><ul><li>a<li><p>b</p><p>more</p></ul>"
        "</article><footer>f</footer>"
    )
    (page,) = split("a.html", html)
    assert _said(page) == [
        ("page_header", "x"),
        ("title", "News"),
        ("text", "It rains."),
        ("list_item", "a"),
        ("list_item", "b\nmore"),
    ]


def test_html_table_spans(split: Split) -> None:
    """Cells that span take their slots, and later ones make room."""
    html = "<html><table><tr><th rowspan=2>A<th colspan=2>B<tr><td>c<td>d</table>"
    (page,) = split("a.html", html)
    native = page.elements[0].native
    assert native is not None
    assert native.grid is not None
    assert native.grid.slots() == [["A", "B", "B"], ["A", "c", "d"]]


def test_hostile_spans_do_not_blow_up(split: Split) -> None:
    """A table that asks for billions of slots gets what the standard allows, and no more than a million."""
    rows = "<tr>" + "<td colspan=1000 rowspan=65534>x" * 40
    (page,) = split("a.html", f"<html><table>{rows * 40}</table>")
    assert len(page.elements) <= 1


def test_deep_nesting_is_refused(split: Split) -> None:
    """Elements nested without end are an attack."""
    with pytest.raises(TooLarge, match="nested deeper"):
        split("a.html", "<html><body>" + "<blockquote>" * 3000 + "x")


def test_too_many_elements_are_refused(split: Split) -> None:
    """A page with more parts than the limit names itself."""
    with pytest.raises(TooLarge, match="page 1: 30 elements"):
        split("a.md", "line\n\n" * 30, Limits(element_count=20))
