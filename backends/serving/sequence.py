"""One answer while it is written: its tokens, what of them has been computed, and how the next is drawn.

Knows neither the library that computes nor the other answers.
"""

from __future__ import annotations

from typing import Any

from backends.errors import BackendError
from backends.sampling import Sampler
from backends.serving.work import Failed, Work
from backends.types import Usage


class Sequence:
    """The state of ``work`` along the steps.

    There is no border between reading and writing: ``tokens`` are the prompt and what was written,
    and those from ``computed`` on are to be computed next. Where ``slot`` is None the memory does not
    hold it; then ``state`` does, if anything was computed. ``forgotten`` tokens after the attention
    sinks were dropped, so positions in the memory are that much lower. ``state``, ``characters`` (what
    makes text of tokens) and ``constraint`` are of the engine's own kinds; None: there is none.
    ``little_masses`` are of the tokens that are drawn next, where the engine can tell.
    """

    __slots__ = (
        "arrival",
        "began",
        "cached",
        "characters",
        "computed",
        "constraint",
        "forgotten",
        "little_masses",
        "sampler",
        "slot",
        "state",
        "tokens",
        "work",
    )

    def __init__(self, work: Work, arrival: int) -> None:
        self.work = work
        self.arrival = arrival
        self.tokens = [*work.tokens, *work.written]
        self.computed = 0
        self.cached = 0
        self.forgotten = 0
        self.slot: int | None = None
        self.state: Any = None
        self.began = False
        self.sampler = Sampler(work.sampling, work.tokens)
        self.constraint: Any = None
        self.characters: Any = None
        self.little_masses: list[float] = []

    @property
    def pending(self) -> int:
        """Tokens to be computed until the next one can be drawn; at least 1."""
        return len(self.tokens) - self.computed

    @property
    def position(self) -> int:
        """Tokens in the memory, and so the position of the next one."""
        return self.computed - self.forgotten

    @property
    def left(self) -> int:
        """Tokens that may still be written."""
        return len(self.work.tokens) + self.work.output_limit - len(self.tokens)

    @property
    def complete(self) -> bool:
        """Whether as much is written as may be."""
        return self.left <= 0

    def reset(self) -> None:
        """Note that nothing is computed any more."""
        self.computed = self.forgotten = 0
        self.state = None

    def failed(self, error: BackendError) -> Failed:
        """Say that it ends by ``error``, with what was used until then."""
        written = len(self.tokens) - len(self.work.tokens)
        error.usage = Usage(len(self.work.tokens) if self.began else 0, written)
        return Failed(self.work.id, error)

    def close(self) -> None:
        """Free what it holds."""
        self.state = None
        if self.constraint is not None:
            self.constraint.close()
            self.constraint = None


def shared_length(one: list[int], other: list[int]) -> int:
    """Count of equal tokens at the beginning of both."""
    length = min(len(one), len(other))
    if one[:length] == other[:length]:
        return length
    low, high = 0, length
    # Comparing slices runs at the speed of C; a loop over 2,000 tokens would take 0.1 ms.
    while high - low > 1:
        middle = (low + high) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle
    return low
