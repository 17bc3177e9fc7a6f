"""From liteparse's blocks of a page to parts, with the words that stand in each.

Decides labels, undoes the Markdown in a block's text, and keeps characters that no block took.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from router.documents.element import Label, Word
from router.documents.geometry import Box, around
from router.documents.parse.assemble import Part
from router.documents.parse.rejoined import rejoined
from router.documents.parse.wording import digit_share
from router.documents.table import Cell, Grid

_ESCAPED = re.compile(r"\\([\\`*_{}\[\]()#+\-.!|<>~$])")
_EMPHASIS = re.compile(r"(?<![\w\\*])(\*{1,3}|_{1,3})(?=\S)(.+?)(?<=[^\s\\])\1(?![\w*])", re.DOTALL)
_NUMBERED = re.compile(r"^(\d+(\.\d+)*)\.?\s+\S")
_HEADING_LENGTH = 160
# Share of the page from which a picture is looked at.
_LARGE_PICTURE = 0.1
_LABELS = {
    "heading": Label.SECTION_HEADER,
    "paragraph": Label.TEXT,
    "list_item": Label.LIST_ITEM,
    "code": Label.CODE,
    "table": Label.TABLE,
    "grid_fallback": Label.TABLE,
    "figure": Label.PICTURE,
}


def parts_of(page: Any, words: Sequence[Word], features: Mapping[str, float]) -> list[Part]:
    """The parts of a page in reading order; words that no block covers follow as text of their own."""
    parts, taken = [], [False] * len(words)
    suspicion = {name: features[name] for name in ("garbled", "full_page_image") if features[name]}
    for block in page.blocks or ():
        label = _LABELS.get(block.kind)
        if label is None or block.bbox is None:
            continue
        box = _box(block.bbox)
        inside = _inside(box, words, taken) if label is not Label.PICTURE else ()
        parts.append(_part(block, label, box, inside, suspicion, page))
    parts = rejoined(parts)
    parts += [_field(field) for field in page.form_fields or () if field.rect and field.value]
    left = _unsaid(words, taken, parts)
    if left:
        parts.append(_left_over(left, suspicion))
    return parts


def plain(text: str) -> str:
    """Take the Markdown out of a block's text."""
    return _ESCAPED.sub(r"\1", _EMPHASIS.sub(r"\2", text)).strip()


def _part(
    block: Any, label: Label, box: Box, words: tuple[Word, ...], suspicion: Mapping[str, float], page: Any
) -> Part:
    share = box.area / max(page.width * page.height, 1.0)
    features = {**suspicion, "area": min(share, 1.0)}
    if label is Label.PICTURE:
        # Of a small picture, that it is there is all that anybody wants; a large one may hold text.
        return Part(label, "" if share < _LARGE_PICTURE else None, box, features=features)
    if label is Label.TABLE:
        grid = _grid(block)
        text = grid.text if grid is not None else "\n".join(plain(line) for line in block.lines or ())
        features |= {"digit_share": digit_share(text), "has_grid": float(grid is not None)}
        return Part(label, text, box, grid=grid, words=words, features=features)
    text = "\n".join(block.lines) if block.lines else plain(block.text or "")
    if label is Label.SECTION_HEADER and (len(text) > _HEADING_LENGTH or text[:1] in "•-"):
        label = Label.TEXT
    level = _depth(text) or block.level or 1
    features |= {"digit_share": digit_share(text)}
    return Part(label, text, box, level, block.marker or "", words=words, features=features)


def _depth(text: str) -> int | None:
    numbered = _NUMBERED.match(text)
    return None if numbered is None else numbered[1].count(".") + 1


def _grid(block: Any) -> Grid | None:
    header = [block.header] if block.header and any(cell.text for cell in block.header) else []
    rows = header + list(block.rows or ())
    if not rows:
        return None
    cells = tuple(
        Cell(
            plain(cell.text),
            row,
            column,
            is_header=row < len(header),
            box=None if cell.bbox is None else _box(cell.bbox),
        )
        for row, line in enumerate(rows)
        for column, cell in enumerate(line)
        if cell.text.strip()
    )
    return Grid(len(rows), max(map(len, rows)), cells)


def _field(field: Any) -> Part:
    name = field.alternate_name or field.name or field.id
    features = {"form": 1.0}
    return Part(Label.FORM, f"{name}: {field.value}", _box(field.rect), features=features)


def _box(rect: Any) -> Box:
    return Box(rect.x, rect.y, rect.x + rect.width, rect.y + rect.height)


def _inside(box: Box, words: Sequence[Word], taken: list[bool]) -> tuple[Word, ...]:
    """Words whose middle lies in ``box`` and that no earlier block took."""
    found = []
    for index, word in enumerate(words):
        x, y = (word.box.left + word.box.right) / 2, (word.box.top + word.box.bottom) / 2
        is_in = box.left - 1 <= x <= box.right + 1 and box.top - 1 <= y <= box.bottom + 1
        if is_in and not taken[index]:
            taken[index] = True
            found.append(word)
    return tuple(found)


def _unsaid(words: Sequence[Word], taken: Sequence[bool], parts: Sequence[Part]) -> list[Word]:
    """Words outside all boxes that no part says either: boxes can be too small for their text."""
    missing = Counter(token for word in words for token in word.text.split())
    missing -= Counter(token for part in parts for token in (part.text or "").split())
    left = []
    for word, is_taken in zip(words, taken, strict=True):
        if not is_taken and missing[word.text] > 0:
            missing[word.text] -= 1
            left.append(word)
    return left


def _left_over(words: list[Word], suspicion: Mapping[str, float]) -> Part:
    text = " ".join(word.text for word in words)
    features = {**suspicion, "left_over": 1.0, "digit_share": digit_share(text)}
    return Part(Label.TEXT, text, around([word.box for word in words]), words=tuple(words), features=features)
