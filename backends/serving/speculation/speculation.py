"""Puts guesses behind the rows of a step, and tells those who guess what came of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from backends.serving.scheduler import Row
from backends.serving.sequence import Sequence
from backends.serving.speculation.gate import Gate
from backends.serving.speculation.proposer import Outlook, Proposer

# Tokens that may be guessed ahead in one step, over all sequences: each takes a row of logits.
DRAFT_TOKEN_COUNT = 32


class Speculation:
    """Guesses by ``proposer`` where ``gate`` expects a gain; a context holds ``context_token_count`` tokens.

    A step is ``guess``, its computation, ``learn`` for every row, and ``took``.
    """

    def __init__(
        self,
        proposer: Proposer,
        gate: Gate,
        context_token_count: int,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._proposer = proposer
        self._context_token_count = context_token_count
        self._clock = clock
        self._gate = gate
        self._started_s = 0.0
        self._shape: tuple[int, int] | None = None

    def guess(self, rows: list[Row]) -> list[Row]:
        """Return ``rows`` with guesses; as they are where one reads, for then the step is long as it is."""
        self._shape = None
        if not rows or any(row.sequence.pending > 1 for row in rows):
            return rows
        count = self._count(rows)
        sequences = [row.sequence for row in rows]
        if count:
            self._proposer.prepare(sequences)
        self._started_s = self._clock()
        self._shape = len(rows), count
        if not count:
            return rows
        guesses = self._proposer.propose(sequences, count)
        return [replace(row, draft=guess) for row, guess in zip(rows, guesses, strict=True)]

    def learn(self, row: Row, right_count: int) -> None:
        """Take in how many guesses of ``row`` stand."""
        self._proposer.learn(len(row.draft), right_count)

    def took(self) -> None:
        """Note that the step is done."""
        if self._shape is not None:
            self._gate.note(*self._shape, self._clock() - self._started_s)
            self._shape = None

    def forget(self, sequence: Sequence) -> None:
        """Drop what is kept of ``sequence``."""
        self._proposer.forget(sequence)

    def close(self) -> None:
        """Free what it holds."""
        self._proposer.close()

    def _count(self, rows: list[Row]) -> int:
        room = min(self._context_token_count - row.sequence.position - row.count for row in rows)
        most = min(room, DRAFT_TOKEN_COUNT // len(rows))
        return self._gate.choose([self._outlook(row.sequence) for row in rows], most) if most > 0 else 0

    def _outlook(self, sequence: Sequence) -> Outlook:
        """What is guessed of ``sequence`` as far as its limit goes: the step itself writes a token, too."""
        return self._proposer.outlook(sequence)[: sequence.left - 1]
