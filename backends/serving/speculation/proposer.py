"""The seam between those who guess and the gate that lets them."""

from __future__ import annotations

from collections import abc
from typing import Protocol

from backends.serving.sequence import Sequence

Outlook = tuple[float, ...]
"""Of each of the next guesses, the probability that it and all before it are right; falling."""


class Proposer(Protocol):
    """Guesses how answers go on.

    In every step in which all running answers write, ``outlook`` is asked of each, and ``propose`` where
    guessing pays. Then ``learn`` is told what came of the guesses, and ``forget`` when the answer ends.
    """

    def outlook(self, sequence: Sequence) -> Outlook:
        """How probably the next guesses are right, as measured; empty where there is nothing to guess."""

    def prepare(self, sequences: abc.Sequence[Sequence]) -> None:
        """Do what is to be done once an answer before it can be guessed."""

    def propose(self, sequences: abc.Sequence[Sequence], count: int) -> list[tuple[int, ...]]:
        """Guess the next ``count`` tokens of each of ``sequences``, somehow where nothing is known."""

    def learn(self, guess_count: int, right_count: int) -> None:
        """Take in that of ``guess_count`` guesses of one answer the first ``right_count`` stand."""

    def forget(self, sequence: Sequence) -> None:
        """Drop what is kept of ``sequence``, if anything is."""

    def close(self) -> None:
        """Free what it holds; nothing may be called afterwards."""
