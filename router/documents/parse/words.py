"""The words of a page: pieces of a word put together, and what is drawn twice counted once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from router.documents.element import Word
from router.documents.geometry import Box, around

# Points by which the same word may be drawn apart, for bold, and still be the same.
_HAIR = 1.5
# Pieces nearer than this share of their height are one word; spaces are wider than a fifth of it.
_TOUCHING = 0.08
_SAME_LINE = 1.0


def words_of(items: Iterable[Any]) -> tuple[Word, ...]:
    """Words of liteparse's text items, in their order."""
    return tuple(_once(_whole(_pieces(items))))


def _pieces(items: Iterable[Any]) -> Iterator[Word]:
    for item in items:
        for word in item.words or (item,):
            if word.text.strip():
                yield Word(word.text, Box(word.x, word.y, word.x + word.width, word.y + word.height))


def _whole(pieces: Iterable[Word]) -> Iterator[Word]:
    last: Word | None = None
    for piece in pieces:
        if last is not None and _touch(last.box, piece.box):
            last = Word(last.text + piece.text, around([last.box, piece.box]))
            continue
        if last is not None:
            yield last
        last = piece
    if last is not None:
        yield last


def _touch(first: Box, second: Box) -> bool:
    height = min(first.bottom - first.top, second.bottom - second.top)
    gap = second.left - first.right
    return abs(first.bottom - second.bottom) < _SAME_LINE and -_TOUCHING * height < gap < _TOUCHING * height


def _once(words: Iterable[Word]) -> Iterator[Word]:
    seen: set[tuple[str, int, int]] = set()
    for word in words:
        column, row = round(word.box.left / _HAIR), round(word.box.top / _HAIR)
        near = {(word.text, column + across, row + down) for across in (-1, 0, 1) for down in (-1, 0, 1)}
        if not near & seen:
            seen.add((word.text, column, row))
            yield word
