"""Words into lines and lines into text, for engines that give words with boxes."""

from __future__ import annotations

from collections.abc import Sequence

from router.documents.element import Word


def rows_of(words: Sequence[Word]) -> list[list[Word]]:
    """Words that stand beside each other, from top to bottom, each row from left to right."""
    rows: list[list[Word]] = []
    for word in sorted(words, key=lambda word: (word.box.top + word.box.bottom, word.box.left)):
        middle = (word.box.top + word.box.bottom) / 2
        if rows and rows[-1][0].box.top <= middle <= rows[-1][0].box.bottom:
            rows[-1].append(word)
        else:
            rows.append([word])
    return [sorted(row, key=lambda word: word.box.left) for row in rows]


def text_of(rows: Sequence[Sequence[Word]]) -> str:
    """The rows as lines."""
    return "\n".join(" ".join(word.text for word in row) for row in rows)


def mean_confidence(words: Sequence[Word]) -> float | None:
    """Mean confidence weighed by characters; None where no word has any."""
    known = [(word.confidence, len(word.text)) for word in words if word.confidence is not None]
    total = sum(length for _, length in known)
    return sum(confidence * length for confidence, length in known) / total if total else None
