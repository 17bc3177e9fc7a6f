"""Tells what a model thinks from what it answers, by the tags that it writes around its thoughts.

Works on a stream: a tag may lie across the borders of pieces. Refuses to know which tags a model
uses; its configuration says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from backends.partial_match import partial_match_length

# Start and end tag, as a backend's options hold them: ["<think>", "</think>"].
ReasoningTags = tuple[Annotated[str, Field(min_length=1)], Annotated[str, Field(min_length=1)]]


@dataclass(frozen=True, slots=True)
class Piece:
    """Text of the answer and text of the reasoning before it; either may be empty."""

    text: str = ""
    reasoning: str = ""

    def __add__(self, other: Piece) -> Piece:
        return Piece(self.text + other.text, self.reasoning + other.reasoning)


class ReasoningSplitter:
    """Sends what stands between the tags to ``reasoning`` and the rest to ``text``.

    White space right after an end tag is dropped. Reasoning without an end tag stays reasoning.
    ``tags`` None: everything is text.
    """

    def __init__(self, tags: ReasoningTags | None) -> None:
        self._tags = tags
        self._inside = False
        self._trimming = False
        self._held = ""

    def feed(self, text: str) -> Piece:
        """Return what has become certain, text held back earlier included."""
        if self._tags is None:
            return Piece(text)
        self._held += text
        piece = Piece()
        while (position := self._held.find(tag := self._tags[self._inside])) >= 0:
            piece += self._release(position)
            self._held = self._held[len(tag) :]
            self._trimming = self._inside
            self._inside = not self._inside
        return piece + self._release(len(self._held) - partial_match_length(self._held, (tag,)))

    def finish(self) -> Piece:
        """Return what was held back: the text has ended, so it starts no tag."""
        return self._release(len(self._held))

    def _release(self, length: int) -> Piece:
        released, self._held = self._held[:length], self._held[length:]
        if self._inside:
            return Piece(reasoning=released)
        if self._trimming:
            released = released.lstrip()
            self._trimming = not released
        return Piece(released)
