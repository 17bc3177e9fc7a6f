"""How backends speak HTTP: one client, one table from what goes wrong to our errors.

Knows no provider. Messages hold status codes and short error codes only: a server's error text
may repeat the prompt.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from backends.errors import BackendError, ContextTooLong, Overloaded, Refused, TimedOut, Unavailable
from backends.sse import EventParser, EventTooLong

# First match wins; everything else that httpx raises is a server that broke off.
_BROKEN: tuple[tuple[type[Exception], str], ...] = (
    (httpx.ConnectTimeout, "did not accept a connection in time"),
    (httpx.ConnectError, "cannot be reached"),
    (httpx.ReadTimeout, "stalled"),
    (httpx.WriteTimeout, "stopped reading the request"),
    (httpx.PoolTimeout, "has all connections of this process in use"),
    (httpx.HTTPError, "broke off the connection"),
    (EventTooLong, "sends events without end"),
    (ValidationError, "sends what is not its API's form"),
)
_STATUS: dict[int, type[BackendError]] = {408: TimedOut, 429: Overloaded, 504: TimedOut, 529: Overloaded}
_CONTEXT = re.compile(rb"context.{0,20}(length|window|size)|(prompt|input).{0,20}too long", re.IGNORECASE)
_CODE = re.compile(r"[\w.-]{1,64}")
_ERROR_BYTE_COUNT = 16_384


class _ErrorDetail(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    code: str | int | None = None
    type: str | None = None


class _ErrorBody(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    error: _ErrorDetail


@contextmanager
def translated(server: str) -> Iterator[None]:
    """Turn what httpx and the parsers raise into Unavailable; ``server`` names it in messages."""
    try:
        yield
    except tuple(kind for kind, _ in _BROKEN) as exc:
        what = next(text for kind, text in _BROKEN if isinstance(exc, kind))
        raise Unavailable(f"{server} {what} ({type(exc).__name__})") from exc


async def events(response: httpx.Response) -> AsyncGenerator[str]:
    """Yield the data of the server-sent events in ``response``."""
    parser = EventParser()
    async for piece in response.aiter_bytes():
        for event in parser.feed(piece):
            yield event


async def check(response: httpx.Response, server: str) -> None:
    """Raise the error that the status means; read a streamed response's body for that."""
    if response.is_success:
        return
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) >= _ERROR_BYTE_COUNT:
            break
    raise error_of(response.status_code, bytes(body), response.headers.get("retry-after"), server)


def error_of(status: int, body: bytes, retry_after: str | None, server: str) -> BackendError:
    """Make the error of a response that failed; ``retry_after`` is that header's value."""
    message = f"{server} answered {status}{_code_of(body)}"
    wait_s = retry_after_s(retry_after)
    if status in (400, 413, 422) and _CONTEXT.search(body):
        return ContextTooLong(f"{message}: the prompt does not fit into its context")
    if status in (429, 529) or (status == 503 and wait_s is not None):
        return Overloaded(message, retry_after_s=wait_s)
    fallback = Refused if 400 <= status < 500 else Unavailable
    return _STATUS.get(status, fallback)(message)


def retry_after_s(value: str | None, *, now: datetime | None = None) -> float | None:
    """Seconds that a Retry-After header asks for (RFC 9110, section 10.2.3); None where it is none."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())


def _code_of(body: bytes) -> str:
    """Its short error code in brackets, if it sends one."""
    try:
        detail = _ErrorBody.model_validate_json(body).error
    except ValidationError:
        return ""
    code = str(detail.code or detail.type or "")
    return f" ({code})" if _CODE.fullmatch(code) else ""
