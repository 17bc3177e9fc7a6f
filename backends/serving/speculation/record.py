"""How often guesses were right, by how far they lie into what is known to agree."""

from __future__ import annotations

STAGE_COUNT = 5
# A record begins as if it had seen one guess, right or wrong with these odds.
_FIRST_RATE = 0.5


def stage(length: int) -> int:
    """The stage of a guess behind ``length`` >= 1 tokens that agree: 1, 2 to 3, 4 to 7, 8 to 15, or more."""
    return min(length.bit_length(), STAGE_COUNT) - 1


class Record:
    """Rates by stage, the last ``memory`` guesses of each weighing most.

    It starts from the rates of ``prior``, which weigh as much as one guess: who guesses wrong once
    where all others were right is taken for another kind of text.
    """

    __slots__ = ("_keep", "_prior", "_right", "_tried")

    def __init__(self, memory: int, prior: Record | None = None) -> None:
        self._keep = 1.0 - 1.0 / memory
        self._prior = prior
        self._tried = [0.0] * STAGE_COUNT
        self._right = [0.0] * STAGE_COUNT

    def note(self, at: int, *, right: bool) -> None:
        """Count a guess of stage ``at``."""
        self._tried[at] = self._tried[at] * self._keep + 1.0
        self._right[at] = self._right[at] * self._keep + right

    def rate(self, at: int) -> float:
        """Probability that a guess of stage ``at`` is right, above 0 and below 1."""
        first = _FIRST_RATE if self._prior is None else self._prior.rate(at)
        return (self._right[at] + first) / (self._tried[at] + 1.0)
