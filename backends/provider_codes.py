"""What providers call their errors, by status, in bodies and in the middle of streams, and what they become.

Their messages are never read: they may repeat the prompt.
"""

from __future__ import annotations

import re

from backends.errors import BackendError, ContextTooLong, Overloaded, Refused, TimedOut, Unavailable

_STATUS: dict[int, type[BackendError]] = {408: TimedOut, 429: Overloaded, 504: TimedOut, 529: Overloaded}
# First match wins.
_MEANINGS: tuple[tuple[re.Pattern[str], type[BackendError]], ...] = (
    (re.compile(r"context_length|context_window|request_too_large|string_above_max_length"), ContextTooLong),
    (re.compile(r"rate_limit|overloaded|slow_down|too_many_requests|engine_busy"), Overloaded),
    (re.compile(r"timeout|timed_out"), TimedOut),
    (
        re.compile(r"invalid|badrequest|bad_request|unprocessable|authentication|permission|not_found"),
        Refused,
    ),
    (re.compile(r"content_filter|content_policy|moderation|safety"), Refused),
)
_CODE = re.compile(r"[\w.-]{1,64}")


def printable(code: str | int | None) -> str:
    """Return a server's error code where it is short and plain; else nothing: it may hold anything."""
    text = "" if code is None else str(code)
    return text if _CODE.fullmatch(text) else ""


def kind_of_status(status: int) -> type[BackendError]:
    """Choose the error for a status that is none of success."""
    return _STATUS.get(status, Refused if 400 <= status < 500 else Unavailable)


def error_named(code: str | int | None, server: str) -> BackendError:
    """Make the error of a stream that says ``code`` in the place of the rest of its answer."""
    word = printable(code)
    # Some servers give the status that they would have answered with.
    is_status = word.isdecimal() and len(word) == 3
    kind = kind_of_status(int(word)) if is_status else _kind_of_word(word.lower())
    return kind(f"{server} failed after its answer had begun ({word or 'it gives no code'})")


def _kind_of_word(word: str) -> type[BackendError]:
    return next((kind for pattern, kind in _MEANINGS if pattern.search(word)), Unavailable)
