"""How much little experts had to do with the logits of a step, kept for those who draw from them."""

from __future__ import annotations

from collections import abc

import torch

from backends.moe.experts.stats import LittleMass
from backends.serving.sequence import Sequence


class Coarseness:
    """Reads ``mass`` after each pass; None: no expert is ever little, and nothing is told.

    ``note`` comes for every sequence that draws, after the pass that computed it; then ``next`` for every
    token that is drawn, in order.
    """

    def __init__(self, mass: LittleMass | None) -> None:
        self._mass = mass

    def of_pass(self, row_count: int, token_count: int) -> torch.Tensor | None:
        """Shares of the last pass over so many tokens of so many rows: float32 (rows, tokens), 0 to 1."""
        if self._mass is None:
            return None
        return self._mass.of_last_pass(row_count * token_count).view(row_count, token_count)

    @staticmethod
    def note(sequence: Sequence, shares: abc.Iterable[float]) -> None:
        """Keep ``shares`` of the tokens that are drawn next, in place of what is left of others."""
        sequence.little_masses = list(shares)

    @staticmethod
    def next(sequence: Sequence) -> float | None:
        """Return the share that belongs to the next token; None: not told."""
        return sequence.little_masses.pop(0) if sequence.little_masses else None
