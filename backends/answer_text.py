"""From the text that a model writes to the text that its caller sees: reasoning apart, stops cut.

Stop strings hold for the answer, not for the reasoning before it: a model that thinks in lines
must not be stopped by a stop string that ends the answer's first line.
"""

from __future__ import annotations

from collections.abc import Sequence

from backends.reasoning import Piece, ReasoningSplitter, ReasoningTags
from backends.stop_strings import StopStrings


class AnswerText:
    """Splits off reasoning, then cuts the answer at its first stop string."""

    def __init__(self, stop: Sequence[str], reasoning_tags: ReasoningTags | None = None) -> None:
        self._splitter = ReasoningSplitter(reasoning_tags)
        self._stops = StopStrings(stop)

    @property
    def stopped(self) -> bool:
        """Whether a stop string was found; nothing comes after it."""
        return self._stops.found

    @property
    def stop_string(self) -> str | None:
        """The stop string that was found."""
        return self._stops.string

    def feed(self, text: str) -> Piece:
        """Return what of ``text``, and of what was held back, has become certain."""
        piece = self._splitter.feed(text)
        return Piece(self._stops.feed(piece.text), piece.reasoning)

    def finish(self) -> Piece:
        """Return what was held back; the model writes no more."""
        piece = self._splitter.finish()
        return Piece(self._stops.feed(piece.text) + self._stops.finish(), piece.reasoning)
