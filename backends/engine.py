"""The seam between a backend that runs in this process and the library that computes its tokens."""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Protocol

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
    """A loaded model that answers one prompt at a time.

    All methods raise only :class:`backends.errors.BackendError`. ``generate`` runs on one worker
    thread; ``encode`` is called from the event loop meanwhile, so it must be safe beside it and
    fast. ``close`` comes last, when nothing else runs; the second time it does nothing.
    """

    @property
    def context_token_count(self) -> int:
        """Most tokens of prompt and answer together."""
        ...

    def encode(self, prompt: Prompt) -> Sequence[int]:
        """Token ids of the rendered prompt, ready for the answer to follow."""
        ...

    def generate(self, tokens: Sequence[int], prompt: Prompt, stop: threading.Event) -> Generator[Token]:
        """Yield the answer to ``tokens`` token by token, without an end of its own but the model's.

        The caller counts and stops taking. ``stop`` is looked at before every step; once it is
        set the generator just ends.
        """
        ...

    def close(self) -> None:
        """Free the model."""
        ...
