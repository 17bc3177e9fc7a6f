"""Cuts a streamed text at the first stop string, wherever the borders of its pieces lie.

Text that may be the beginning of a stop string is held back until it is certain, so that no
part of a stop string ever leaves.
"""

from __future__ import annotations

from collections.abc import Sequence

from backends.partial_match import partial_match_length


class StopStrings:
    """Passes text on until a stop string ends in it.

    The stop string that is complete first wins; of several that end at the same place, the
    longest. So the cut does not depend on how the text is divided.
    """

    def __init__(self, stop: Sequence[str]) -> None:
        self.string: str | None = None
        """The stop string that was found; None: none was so far."""
        self._stop = tuple(string for string in stop if string)
        self._held = ""

    @property
    def found(self) -> bool:
        """Whether a stop string was found; nothing comes after it."""
        return self.string is not None

    def feed(self, text: str) -> str:
        """Return what has become certain; nothing once a stop string was found."""
        if self.found:
            return ""
        if not self._stop:
            return text
        self._held += text
        ends = [
            (start + len(string), start, string)
            for string in self._stop
            if (start := self._held.find(string)) >= 0
        ]
        if ends:
            _, start, self.string = min(ends)
            return self._release(start)
        return self._release(len(self._held) - partial_match_length(self._held, self._stop))

    def finish(self) -> str:
        """Return what was held back: the text has ended, so it starts no stop string."""
        return "" if self.found else self._release(len(self._held))

    def _release(self, length: int) -> str:
        released, self._held = self._held[:length], self._held[length:]
        return released
