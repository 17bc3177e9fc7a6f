"""The seam between Upshift and a model."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol, runtime_checkable

from backends.load import Load
from backends.types import Capabilities, Completion, Delta, Prompt


@runtime_checkable
class Backend(Protocol):
    """A model that can be asked.

    Order of calls: ``start`` once, then any number of ``stream`` (concurrently too: a backend
    that can run only one at a time queues the others), then ``close`` once. Constructors only
    store; ``start`` loads. The caller closes, also when ``start`` raised.

    Errors: ``start`` and ``stream`` raise only :class:`backends.errors.BackendError`.

    Cancellation: closing the iterator, or cancelling the task that waits on it, stops the model
    within one token (over a network: closes the connection) and is never swallowed.
    """

    @property
    def capabilities(self) -> Capabilities:
        """What it can do; final once ``start`` has returned."""
        ...

    async def start(self) -> None:
        """Load the model or open the connection, and check that it answers."""
        ...

    async def close(self) -> None:
        """Stop all streams and free everything. Does nothing the second time."""
        ...

    def count_tokens(self, prompt: Prompt) -> int:
        """Tokens of the rendered prompt: exact where the tokenizer is at hand, else an estimate.

        Synchronous and fast (well under a millisecond a kilobyte); usable once started.
        """
        ...

    def stream(self, prompt: Prompt, *, timeout_s: float | None = None) -> AsyncGenerator[Delta | Completion]:
        """Answer ``prompt`` piece by piece; the last item, and only that, is a Completion.

        After ``timeout_s`` seconds (None: no limit), counted from this call and waiting for a
        turn included, raises :class:`backends.errors.TimedOut`.
        """
        ...


@runtime_checkable
class Loaded(Protocol):
    """A backend that can say how busy its model is; those of services elsewhere cannot."""

    @property
    def load(self) -> Load | None:
        """How busy it was a moment ago; None: it has not been started. Costs nothing."""
        ...


@runtime_checkable
class Embedder(Protocol):
    """A model that turns texts into vectors whose angles tell how alike the texts are.

    Started and closed as a :class:`Backend`, which it mostly is too; cancellation and errors are as there.
    """

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one vector for each text, of Euclidean length 1 and as many numbers as the model is wide.

        Raises :class:`backends.errors.ContextTooLong` where a text does not fit, and
        :class:`backends.errors.Refused` where one has no tokens.
        """
        ...
