"""Which request the code that runs now works for, for log lines.

Decides nothing; the edge says it, once a call. Holds no text and no key.
"""

from __future__ import annotations

from contextvars import ContextVar

_CURRENT: ContextVar[tuple[str, str]] = ContextVar("upshift_request", default=("", ""))


def set_current(request_id: str, traceparent: str) -> None:
    """Say which request the current task, and those that it starts, work for."""
    _CURRENT.set((request_id, traceparent))


def current() -> tuple[str, str]:
    """Return the request's id and its W3C traceparent; each is "" where there is none."""
    return _CURRENT.get()
