"""What names a request: its own id and the trace that it is part of, as its caller sent them or made here.

Decides which of them are taken; what is not taken is as if it had not been sent.
"""

from __future__ import annotations

import re
import secrets
import time

_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_TRACEPARENT = re.compile(r"[0-9a-f-]{1,64}")


def request_id_of(sent: str | bytes | None) -> str:
    """The id that was sent, or a new one."""
    return matching(_REQUEST_ID, sent) or new_request_id()


def traceparent_of(sent: str | bytes | None) -> str:
    """The traceparent that was sent; empty: there is none."""
    return matching(_TRACEPARENT, sent)


def new_request_id() -> str:
    """Name a request: 12 hexadecimal digits of Unix milliseconds, then 12 of chance; ids sort by time."""
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(6)}"


def matching(pattern: re.Pattern[str], value: str | bytes | None) -> str:
    """``value`` where it is a text of that form, else empty."""
    return value if isinstance(value, str) and pattern.fullmatch(value) else ""
