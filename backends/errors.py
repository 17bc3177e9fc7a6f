"""What can go wrong with a backend, as far as a caller acts differently.

::

    BackendError
     +-- Unavailable      it cannot answer now: not ready, unreachable, died, broke off, talks nonsense
     |    +-- Overloaded  it answers, but not now
     +-- TimedOut         it did not finish in the time it was given
     +-- ContextTooLong   the prompt does not fit; a larger model may take it
     +-- Refused          it will never answer this request: bad key, bad request, content filter

Messages say what happened, the value seen and what to do. They never hold prompt text or a key.
``usage`` is what had been spent when it failed; it is billed.
"""

from __future__ import annotations

from backends.types import Usage


class BackendError(Exception):
    """Base of all errors that a backend raises from ``start`` or ``stream``."""

    reason = "failed"

    def __init__(self, message: str, *, usage: Usage | None = None) -> None:
        super().__init__(message)
        self.usage = usage or Usage()


class Unavailable(BackendError):
    """The backend cannot answer now; another tier may, and this one may later.

    ``retry_after_s``: when it says that it will; None: it did not say.
    """

    reason = "unavailable"

    def __init__(
        self, message: str, *, retry_after_s: float | None = None, usage: Usage | None = None
    ) -> None:
        super().__init__(message, usage=usage)
        self.retry_after_s = retry_after_s


class Overloaded(Unavailable):
    """The backend is up but full."""

    reason = "overloaded"


class TimedOut(BackendError):
    """The backend did not finish within ``timeout_s``."""

    reason = "timed_out"


class ContextTooLong(BackendError):
    """The prompt and the answer's room do not fit into the model's context."""

    reason = "context_too_long"


class Refused(BackendError):
    """The backend will not answer this request, now or later."""

    reason = "refused"
