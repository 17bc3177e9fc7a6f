"""Markdown through markdown-it's tokens (CommonMark, tables and struck text).

Front matter between rules of three dashes is data, and is kept as code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from router.documents.element import Label, Page
from router.documents.errors import Broken
from router.documents.limits import Limits
from router.documents.marks import Mark, Style
from router.documents.parse.assemble import Assembly, Part
from router.documents.parse.html import parts_of_html
from router.documents.parse.library import library
from router.documents.parse.runs import PLAIN, Runs, Setting
from router.documents.table import Cell, Grid

_STYLES = {"strong": Style.BOLD, "em": Style.ITALIC, "s": Style.STRIKE}
_FRONT_MATTER = re.compile(r"---[ \t]*\n([\w-]+[ \t]*:.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)


class MarkdownSplitter:
    """Splits Markdown and plain text; the file is one page."""

    def split(self, path: Path, limits: Limits) -> Iterator[Page]:
        """Give the one page; see :class:`router.documents.parse.base.Splitter`."""
        markdown_it = library("markdown_it", "documents", "reading Markdown")
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as exc:
            raise Broken(f"byte {exc.start} is no UTF-8; save the file as UTF-8") from exc
        parser = markdown_it.MarkdownIt("commonmark", {"maxNesting": limits.depth})
        parser.enable(["table", "strikethrough"])
        front = _FRONT_MATTER.match(text)
        parts = [] if front is None else [Part(Label.CODE, front[1], marker="yaml")]
        parts += parts_of(parser.parse(text if front is None else text[front.end() :]))
        yield Assembly(limits.element_count).page(1, 1, None, parts)


def parts_of(tokens: Sequence[Any]) -> Iterator[Part]:
    """The parts that the block tokens make, in order."""
    depth, index, items = 0, 0, [_Item("")]
    while index < len(tokens):
        token = tokens[index]
        if token.type in ("bullet_list_open", "ordered_list_open"):
            depth += 1
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            depth -= 1
        elif token.type == "list_item_open":
            items.append(_Item(f"{token.info}{token.markup}" if token.info else "-"))
        elif token.type == "list_item_close":
            items.pop()
        elif token.type == "table_open":
            end = _closing(tokens, index)
            grid = _grid(tokens[index:end])
            yield Part(Label.TABLE, grid.text, grid=grid)
            index = end
        else:
            yield from _parts(tokens, index, depth, items[-1])
        index += 1


class _Item:
    """A list item that is open; its marker is used up by its first text."""

    def __init__(self, marker: str) -> None:
        self._marker = marker

    def take(self) -> str:
        """The marker, once."""
        marker, self._marker = self._marker, ""
        return marker


def _parts(tokens: Sequence[Any], index: int, depth: int, item: _Item) -> Iterator[Part]:
    token = tokens[index]
    if token.type in ("fence", "code_block"):
        yield Part(Label.CODE, token.content.rstrip("\n"), marker=token.info.strip())
    elif token.type == "html_block":
        yield from parts_of_html(token.content)
    elif token.type == "inline":
        part = _of_inline(tokens, index)
        if part.text:
            is_item = bool(depth) and part.label is Label.TEXT and bool(marker := item.take())
            yield replace(part, label=Label.LIST_ITEM, level=depth, marker=marker) if is_item else part
        yield from (Part(Label.PICTURE, one.content) for one in token.children or () if one.type == "image")


def _of_inline(tokens: Sequence[Any], index: int) -> Part:
    text, marks = inline_text(tokens[index])
    opened = tokens[index - 1]
    if opened.type != "heading_open":
        return Part(Label.TEXT, text, marks=marks)
    level = int(opened.tag[1:])
    label = Label.TITLE if level == 1 else Label.SECTION_HEADER
    return Part(label, text, level=max(level - 1, 1), marks=marks)


def inline_text(token: Any) -> tuple[str, tuple[Mark, ...]]:
    """What an inline token says, without its signs, and how it is set."""
    runs, settings = Runs(), [PLAIN]
    for child in token.children or ():
        if child.type.endswith("_open"):
            settings.append(_within(child, settings[-1]))
        elif child.type.endswith("_close") and len(settings) > 1:
            settings.pop()
        elif child.type in ("text", "text_special"):
            runs.add(child.content, settings[-1])
        elif child.type == "code_inline":
            runs.add(child.content, settings[-1].also(Style.CODE))
        elif child.type in ("softbreak", "hardbreak"):
            runs.add("\n" if child.type == "hardbreak" else " ", settings[-1])
    return runs.take(collapse=False)


def _within(token: Any, around: Setting) -> Setting:
    if token.type == "link_open":
        target = str(token.attrGet("href") or "")
        return around.also(Style.LINK, target) if target else around
    style = _STYLES.get(token.type.removesuffix("_open"))
    return around if style is None else around.also(style)


def _closing(tokens: Sequence[Any], start: int) -> int:
    return next(i for i in range(start, len(tokens)) if tokens[i].type == "table_close")


def _grid(tokens: Sequence[Any]) -> Grid:
    cells: list[Cell] = []
    row, column, width = -1, 0, 0
    for token in tokens:
        if token.type == "tr_open":
            row, column = row + 1, 0
        elif token.type == "inline":
            text, marks = inline_text(token)
            if text:
                cells.append(Cell(text, row, column, is_header=row == 0, marks=marks))
            column += 1
            width = max(width, column)
    return Grid(row + 1, width, tuple(cells))
