"""Markdown through markdown-it's tokens (CommonMark and tables)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from router.documents.element import Label, Page
from router.documents.errors import Broken
from router.documents.limits import Limits
from router.documents.parse.assemble import Assembly, Part
from router.documents.parse.html import parts_of_html
from router.documents.parse.library import library
from router.documents.table import Grid, grid_of


class MarkdownSplitter:
    """Splits Markdown and plain text; the file is one page."""

    def split(self, path: Path, limits: Limits) -> Iterator[Page]:
        """Give the one page; see :class:`router.documents.parse.base.Splitter`."""
        markdown_it = library("markdown_it", "documents", "reading Markdown")
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as exc:
            raise Broken(f"byte {exc.start} is no UTF-8; save the file as UTF-8") from exc
        tokens = (
            markdown_it.MarkdownIt("commonmark", {"maxNesting": limits.depth}).enable("table").parse(text)
        )
        yield Assembly(limits.element_count).page(1, 1, None, list(parts_of(tokens)))


def parts_of(tokens: Sequence[Any]) -> Iterator[Part]:
    """The parts that the block tokens make, in order."""
    depth, index, markers = 0, 0, [""]
    while index < len(tokens):
        token = tokens[index]
        if token.type in ("bullet_list_open", "ordered_list_open"):
            depth += 1
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            depth -= 1
        elif token.type == "list_item_open":
            markers.append(f"{token.info}{token.markup}" if token.info else "-")
        elif token.type == "table_open":
            end = _closing(tokens, index)
            grid = _grid(tokens[index:end])
            yield Part(Label.TABLE, grid.text, grid=grid)
            index = end
        elif (part := _part(tokens, index, depth, markers[-1])) is not None:
            yield from part
            markers[-1] = ""
        index += 1


def _part(tokens: Sequence[Any], index: int, depth: int, marker: str) -> list[Part] | None:
    token = tokens[index]
    if token.type in ("fence", "code_block"):
        return [Part(Label.CODE, token.content.rstrip("\n"), marker=token.info.strip())]
    if token.type == "html_block":
        return list(parts_of_html(token.content))
    return _of_inline(tokens, index, depth, marker) if token.type == "inline" else None


def _of_inline(tokens: Sequence[Any], index: int, depth: int, marker: str) -> list[Part] | None:
    token = tokens[index]
    text = inline_text(token)
    pictures = [Part(Label.PICTURE, image.content) for image in token.children or () if image.type == "image"]
    if not text:
        return pictures or None
    opened = tokens[index - 1]
    if opened.type == "heading_open":
        level = int(opened.tag[1:])
        label = Label.TITLE if level == 1 else Label.SECTION_HEADER
        return [Part(label, text, level=max(level - 1, 1)), *pictures]
    if depth and marker:
        return [Part(Label.LIST_ITEM, text, level=depth, marker=marker), *pictures]
    return [Part(Label.TEXT, text), *pictures]


def inline_text(token: Any) -> str:
    """What an inline token says, without its marks."""
    pieces = []
    for child in token.children or ():
        if child.type in ("text", "code_inline", "html_inline"):
            pieces.append("" if child.type == "html_inline" else child.content)
        elif child.type in ("softbreak", "hardbreak"):
            pieces.append("\n" if child.type == "hardbreak" else " ")
    return "".join(pieces).strip()


def _closing(tokens: Sequence[Any], start: int) -> int:
    return next(i for i in range(start, len(tokens)) if tokens[i].type == "table_close")


def _grid(tokens: Sequence[Any]) -> Grid:
    rows: list[list[str]] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(inline_text(token))
    return grid_of(rows, header_rows=1)
