"""Text gathered run by run, each with its marks, and tidied as a reader would see it.

Decides where space collapses. Refuses to know of which format the runs are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from router.documents.marks import Mark, Style, pieces


@dataclass(frozen=True, slots=True)
class Setting:
    """How a run is set: its styles, and where it leads."""

    styles: frozenset[Style] = frozenset()
    target: str = ""

    def also(self, style: Style, target: str = "") -> Setting:
        """The same with one style more; of links in links the inner leads."""
        return Setting(self.styles | {style}, target or self.target)


PLAIN = Setting()


class Runs:
    """Runs of one text, in order."""

    def __init__(self) -> None:
        self._runs: list[tuple[str, Setting]] = []

    def add(self, text: str, setting: Setting = PLAIN) -> None:
        """Add a run."""
        if text:
            self._runs.append((text, setting))

    def add_marked(self, text: str, marks: Sequence[Mark]) -> None:
        """Add a text that has marks already."""
        for piece, over in pieces(text, marks):
            target = next((mark.target for mark in over if mark.target), "")
            self.add(piece, Setting(frozenset(mark.style for mark in over), target))

    def unbreak(self) -> None:
        """Make spaces of all line breaks: they mean nothing where the text came from."""
        self._runs = [(text.replace("\n", " "), setting) for text, setting in self._runs]

    def take(self, *, collapse: bool = True) -> tuple[str, tuple[Mark, ...]]:
        """The text and its marks; what follows is a new text. ``collapse``: runs of space become one."""
        runs, self._runs = self._runs, []
        if collapse:
            runs = _tidied(runs)
        runs = _stripped(runs)
        return "".join(text for text, _ in runs), _marks(runs)


def _tidied(runs: list[tuple[str, Setting]]) -> list[tuple[str, Setting]]:
    """One space for many, none at the ends of lines; line breaks stay."""
    tidied: list[tuple[str, Setting]] = []
    last = "\n"
    for text, setting in runs:
        lines = text.split("\n")
        pieces = []
        for index, line in enumerate(lines):
            if index:
                pieces.append("\n")
                last = "\n"
            words = " ".join(line.split())
            if line[:1].isspace() and not last.isspace():
                words = f" {words}"
            if words.strip() and line[-1:].isspace():
                words = f"{words} "
            if words:
                pieces.append(words)
                last = words[-1]
        tidied.append(("".join(pieces).replace(" \n", "\n"), setting))
    return tidied


def _stripped(runs: list[tuple[str, Setting]]) -> list[tuple[str, Setting]]:
    """Without space at the start and the end."""
    while runs and not runs[0][0].strip():
        runs = runs[1:]
    while runs and not runs[-1][0].strip():
        runs = runs[:-1]
    if runs:
        runs = [(runs[0][0].lstrip(), runs[0][1]), *runs[1:]]
        runs = [*runs[:-1], (runs[-1][0].rstrip(), runs[-1][1])]
    return runs


def _marks(runs: list[tuple[str, Setting]]) -> tuple[Mark, ...]:
    """Neighbouring runs of one style become one mark."""
    marks: list[Mark] = []
    open_marks: dict[tuple[Style, str], int] = {}
    position = 0
    for text, setting in [*runs, ("", PLAIN)]:
        wanted = {(style, setting.target if style is Style.LINK else "") for style in setting.styles}
        closed = [key for key in open_marks if key not in wanted]
        marks += [Mark(open_marks.pop(key), position, key[0], key[1]) for key in closed]
        for key in wanted:
            open_marks.setdefault(key, position)
        position += len(text)
    return tuple(sorted(marks, key=lambda mark: (mark.start, -mark.end, mark.style, mark.target)))
