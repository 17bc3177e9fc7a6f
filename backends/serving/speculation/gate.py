"""Decides how many tokens are guessed in a step: as many as write most in a second, often none.

A step that guesses takes longer, by much where few cores compute, and writes more only where guesses
are right. Both are measured, the times here and the rates by who guesses; nothing is assumed but to begin
with. Pure: knows no library and no clock.
"""

from __future__ import annotations

from collections import abc

from backends.serving.speculation.proposer import Outlook

# Guesses for each answer, so that one or two answers make 4, 8 or 16 tokens: kernels work on 4 at once.
_COUNTS = (1, 3, 7, 15)
# What a further token adds to a step of one before that is known: 0.08 with AMX, 0.3 to 0.6 with AVX-512
# (0.6B, Q4_0, 2 threads).
_FIRST_COST = 0.3
# Guessing must promise to be so much faster: about the noise of the measured times.
_LEAST_GAIN = 1.1
# Times follow what else the machine does within some steps; one that was disturbed counts for little.
_NEW_WEIGHT = 0.2
_MOST_CHANGE = 2.0
# Steps after which what was measured of steps that are not taken is forgotten, for them to be tried again.
_MEMORY = 512


class Gate:
    """Chooses by the times of earlier steps, for each number of answers that are written together."""

    def __init__(self) -> None:
        self._plain_s: dict[int, float] = {}
        self._costs: dict[tuple[int, int], float] = {}

    def choose(self, outlooks: abc.Sequence[Outlook], most: int) -> int:
        """Return how many tokens, at most ``most``, to guess of every answer, given what guesses promise.

        All get as many, for answers of equal length are computed together and others one after the
        other.
        """
        answers = len(outlooks)
        if answers not in self._plain_s:
            return 0
        best, best_gain = 0, _LEAST_GAIN
        for count in _COUNTS:
            if count > most:
                break
            written = sum(1.0 + sum(outlook[:count]) for outlook in outlooks)
            gain = written / answers / self._cost(answers, count)
            if gain > best_gain:
                best, best_gain = count, gain
        return best

    def note(self, answers: int, count: int, seconds: float) -> None:
        """Take in what a step of ``answers`` took that guessed ``count`` tokens of each."""
        if count == 0:
            self._plain_s[answers] = _moved(self._plain_s.get(answers), seconds)
            self._fade(answers)
        else:
            cost = seconds / self._plain_s[answers]
            self._costs[answers, count] = _moved(self._costs.get((answers, count)), cost)

    def _cost(self, answers: int, count: int) -> float:
        """Time of a step with guesses by that of one without."""
        return self._costs.get((answers, count), _first_cost(answers, count))

    def _fade(self, answers: int) -> None:
        for count in _COUNTS:
            cost = self._costs.get((answers, count))
            if cost is not None:
                self._costs[answers, count] = cost + (_first_cost(answers, count) - cost) / _MEMORY


def _first_cost(answers: int, count: int) -> float:
    return (1.0 + _FIRST_COST * (answers * (count + 1) - 1)) / (1.0 + _FIRST_COST * (answers - 1))


def _moved(old: float | None, new: float) -> float:
    if old is None:
        return new
    near = min(max(new, old / _MOST_CHANGE), old * _MOST_CHANGE)
    return old + _NEW_WEIGHT * (near - old)
