"""Guesses that a text goes on as it did before: after the same words, in the prompt or the answer.

Prompt lookup (Saxena 2023), with one change: the place that the text seems to be copied from is
followed whether or not tokens are guessed, so how often it is right is known before it costs anything.
"""

from __future__ import annotations

from collections import abc

from backends.serving.sequence import Sequence
from backends.serving.speculation.proposer import Outlook
from backends.serving.speculation.record import Record, stage

# Runs of tokens by whose last occurrence places are found, the longest first.
_RUN_LENGTHS = (6, 3, 1)
# Beyond that many tokens that agree, nothing is counted any more.
_MAX_LENGTH = 64
_GUESS_COUNT = 15
# Guesses that the rates rest on: of one answer, whose kind of text may change, and of all.
_OWN_MEMORY, _COMMON_MEMORY = 16, 256


class Trail:
    """Where the text of one answer may be copied from.

    The last ``length`` tokens also stand before ``place``, so the token at ``place`` is the guess for the
    next; length 0: there is no such place.
    """

    __slots__ = ("_last", "_read", "length", "place", "record")

    def __init__(self, common: Record) -> None:
        self.record = Record(_OWN_MEMORY, common)
        self.place = self.length = 0
        self._read = 0
        self._last: dict[tuple[int, ...], int] = {}

    def follow(self, tokens: list[int], prompt_length: int, common: Record) -> None:
        """Take in what has come to ``tokens`` since the last call. 3 us a token."""
        for end in range(self._read + 1, len(tokens) + 1):
            self._step(tokens, end, common if end > prompt_length else None)
        self._read = len(tokens)

    def _step(self, tokens: list[int], end: int, common: Record | None) -> None:
        if self.length:
            right = tokens[self.place] == tokens[end - 1]
            if common is not None:  # what callers write says nothing of how the model goes on
                self.record.note(stage(self.length), right=right)
                common.note(stage(self.length), right=right)
            self.length = min(self.length + 1, _MAX_LENGTH) if right else 0
            self.place += 1
        runs = [tuple(tokens[end - length : end]) for length in _RUN_LENGTHS if length <= end]
        if self.length < _RUN_LENGTHS[0]:
            self._find(tokens, end, runs)
        self._last |= dict.fromkeys(runs, end)

    def _find(self, tokens: list[int], end: int, runs: list[tuple[int, ...]]) -> None:
        """Move to the last occurrence of the longest run, where it is longer than what is followed."""
        for run in runs:
            if len(run) <= self.length:
                return
            place = self._last.get(run)
            if place is not None:
                self.place, self.length = place, _agreeing(tokens, place, end)
                return


class Lookup:
    """Guesses copies; see :class:`backends.serving.speculation.proposer.Proposer`."""

    def __init__(self) -> None:
        self._common = Record(_COMMON_MEMORY)
        self._trails: dict[int, Trail] = {}

    def outlook(self, sequence: Sequence) -> Outlook:
        """As measured on this answer, and on others where it is new."""
        trail = self._followed(sequence)
        if not trail.length:
            return ()
        rates, whole = [], 1.0
        for length in range(trail.length, trail.length + _GUESS_COUNT):
            whole *= trail.record.rate(stage(length))
            rates.append(whole)
        return tuple(rates)

    def prepare(self, sequences: abc.Sequence[Sequence]) -> None:
        """Nothing: ``outlook`` has read all there is."""

    def propose(self, sequences: abc.Sequence[Sequence], count: int) -> list[tuple[int, ...]]:
        """Copy; what reaches the end of the text goes round, and what is new repeats its last token."""
        return [self._copy(sequence, count) for sequence in sequences]

    def learn(self, guess_count: int, right_count: int) -> None:
        """Nothing: the next ``outlook`` sees what was written, guessed or not."""

    def forget(self, sequence: Sequence) -> None:
        """Drop the trail."""
        self._trails.pop(sequence.work.id, None)

    def close(self) -> None:
        """Drop all trails."""
        self._trails.clear()

    def _copy(self, sequence: Sequence, count: int) -> tuple[int, ...]:
        trail, tokens = self._followed(sequence), sequence.tokens
        place = trail.place if trail.length else len(tokens) - 1
        period = len(tokens) - place
        return tuple(tokens[place + i % period] for i in range(count))

    def _followed(self, sequence: Sequence) -> Trail:
        trail = self._trails.get(sequence.work.id)
        if trail is None:
            trail = self._trails[sequence.work.id] = Trail(self._common)
        trail.follow(sequence.tokens, len(sequence.work.tokens), self._common)
        return trail


def _agreeing(tokens: list[int], one: int, other: int) -> int:
    """Count of equal tokens before the places ``one`` < ``other``, as far as it matters."""
    length = 0
    while length < min(one, _MAX_LENGTH) and tokens[one - 1 - length] == tokens[other - 1 - length]:
        length += 1
    return length
