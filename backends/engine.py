"""What a backend's engine gives, and the seam between a backend in this process and its engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from backends.load import Load
from backends.serving.work import Event, Work
from backends.types import Prompt, TokenLogprob


@dataclass(frozen=True, slots=True)
class Token:
    """A generated token.

    Its text is what it adds to the answer: empty while a character is incomplete, and for the
    token that ends the answer (``ends``). The texts joined are the whole answer.
    """

    logprob: TokenLogprob
    ends: bool = False


class Engine(Protocol):
    """A loaded model that writes many answers at once, a step at a time.

    ``encode`` is called from the event loop, so it must be safe beside the others and fast. All others
    belong on one thread. After ``submit`` the answer comes from ``step``, call by call, until a token that
    ends it, the last that its ``output_limit`` allows, or a Failed. All raise only
    :class:`backends.errors.BackendError`; ``close`` comes last, the second time it does nothing.
    """

    @property
    def context_token_count(self) -> int:
        """Most tokens of prompt and answer together."""
        ...

    @property
    def has_work(self) -> bool:
        """Whether ``step`` would do anything."""
        ...

    def encode(self, prompt: Prompt) -> Sequence[int]:
        """Token ids of the rendered prompt, ready for the answer to follow."""
        ...

    def submit(self, work: Work) -> None:
        """Let ``work`` wait for its turn; raises Overloaded where too many wait."""
        ...

    def cancel(self, id: int) -> None:  # noqa: A002  what events call it
        """Stop the answer ``id`` before the next step; nothing more comes of it. Unknown ids are ignored."""
        ...

    def step(self) -> list[Event]:
        """Do one step of all running answers and return what happened; one answer's fault is its own."""
        ...

    def load(self) -> Load:
        """How busy it is now, and what it has done so far."""
        ...

    def close(self) -> None:
        """Free the model."""
        ...
