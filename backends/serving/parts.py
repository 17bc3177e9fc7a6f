"""The seams between the steps of an engine and the library that computes them."""

from __future__ import annotations

from collections import abc
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from backends.serving.scheduler import Row
from backends.serving.sequence import Sequence
from backends.serving.work import Wrote

Logits = npt.NDArray[np.float32]


class Aborted(Exception):
    """The computation was told to stop midway; what it was to compute is asked for again."""


class Memory(Protocol):
    """What a model keeps of the tokens that it has computed, by slot.

    Sequence i of the running ones lies in slot i while a step is computed.
    """

    def arrange(self, running: abc.Sequence[Sequence]) -> None:
        """Bring sequence i of ``running`` into slot i, with its ``state`` where it has one."""

    def save(self, sequence: Sequence) -> Any:
        """Copy what is kept of the computed tokens of ``sequence``, which has a slot."""

    def take_out(self, sequence: Sequence) -> None:
        """Free the slot of ``sequence``, if it has one, and keep its state beside."""

    def clear(self, sequence: Sequence) -> None:
        """Free the slot of ``sequence``."""

    def truncate(self, sequence: Sequence) -> None:
        """Forget what lies behind the computed tokens of ``sequence``, or all where only that is possible."""


class Batch(Protocol):
    """Computes the tokens of a step."""

    def compute(self, rows: list[Row]) -> Logits:
        """Compute ``rows``, which lie in their slots, and return logits of all tokens that are drawn after.

        Float32, (output_count, n_vocabulary), in the order of the rows: one for a row that writes and one
        for each of its guesses; the next call may overwrite them. Raises Aborted, and Unavailable where it
        cannot be done; the memory then holds what it did, and perhaps more behind it.
        """


class Writer(Protocol):
    """Draws tokens and says all that is known of them."""

    def begin(self, sequence: Sequence) -> None:
        """Make ``sequence`` ready for its next token; raises Refused where its form cannot be expressed."""

    def write(self, sequence: Sequence, logits: Logits) -> Wrote:
        """Add the token that follows by ``logits`` (float32, (n_vocabulary,)); raises BackendError."""
