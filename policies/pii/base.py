"""What a detector of personal data is, and what it finds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Protocol

Span = tuple[int, int]
"""Start and end of a piece of a text."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A piece of a text, ``text[start:end]``, and the kind of data that it is."""

    kind: str
    start: int
    end: int


class Detector(Protocol):
    """Looks for one kind of data; constructed without arguments.

    ``kind`` is the name it is registered under, lower case with underscores: part of tags (``pii.email``)
    and, in upper case, of stand-ins (``<EMAIL_1>``). ``find`` is pure, never raises, and takes time linear
    in the text whatever stands there; the spans that it yields are in order and do not overlap.
    """

    kind: ClassVar[str]

    def find(self, text: str) -> Iterator[Span]:
        """Yield where ``text`` holds such data."""
        ...
