"""How backends speak HTTP: one client, one table from what goes wrong to our errors.

Knows no provider. Messages hold status codes and short error codes only: a server's error text
may repeat the prompt.
"""

from __future__ import annotations

import math
import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from backends.errors import BackendError, ContextTooLong, Overloaded, Unavailable
from backends.http_post import Reply
from backends.provider_codes import kind_of_status, printable
from backends.sse import EventParser, EventTooLong


class EndlessResponse(ValueError):
    """A response is longer than the answer that was asked for can be."""


# First match wins; everything else that httpx raises is a server that broke off.
_BROKEN: tuple[tuple[type[Exception], str], ...] = (
    (httpx.ConnectTimeout, "did not accept a connection in time"),
    (httpx.ConnectError, "cannot be reached"),
    (httpx.ReadTimeout, "stalled"),
    (httpx.WriteTimeout, "stopped reading the request"),
    (httpx.PoolTimeout, "has all connections of this process in use"),
    (httpx.HTTPError, "broke off the connection"),
    (EventTooLong, "sends events without end"),
    (EndlessResponse, "sends far more than was asked for"),
    (ValidationError, "sends what is not its API's form"),
)
_CONTEXT = re.compile(rb"context.{0,20}(length|window|size)|(prompt|input).{0,20}too long", re.IGNORECASE)
_ERROR_BYTE_COUNT = 16_384
_EVENT_STREAM = "text/event-stream"
# Nobody waits longer; and what is said in good faith is less.
_MAX_RETRY_AFTER_S = 86_400.0


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


async def events(
    response: Reply, *, max_byte_count: int, max_event_byte_count: int
) -> AsyncGenerator[list[str]]:
    """Yield the data of the server-sent events in ``response``: of all that came together, at once.

    Raises EventTooLong beyond ``max_event_byte_count``, and EndlessResponse beyond ``max_byte_count`` of all
    events together.
    """
    parser = EventParser(max_event_byte_count=max_event_byte_count)
    byte_count = 0
    async for piece in response.pieces():
        byte_count += len(piece)
        if byte_count > max_byte_count:
            raise EndlessResponse(f"more than {max_byte_count} bytes")
        if found := parser.feed(piece):
            yield found


async def check(response: Reply, server: str) -> None:
    """Raise the error that the status means; read a streamed response's body for that."""
    if response.status_code // 100 == 2:
        return
    body = bytearray()
    # A compressed body is left alone: there is no telling how long it would become.
    if not response.headers.get("content-encoding"):
        async for piece in response.pieces():
            body += piece
            if len(body) >= _ERROR_BYTE_COUNT:
                break
    raise error_of(response.status_code, bytes(body), response.headers.get("retry-after") or None, server)


def check_events(response: Reply, server: str) -> None:
    """Raise Unavailable where ``response`` says itself that it holds no plain events."""
    kind = response.headers.get("content-type", _EVENT_STREAM)
    if kind.partition(";")[0].strip().lower() != _EVENT_STREAM:
        said = printable(kind.partition(";")[0].strip().replace("/", ".")) or "something else"
        raise Unavailable(f"{server} answers with {said} in place of {_EVENT_STREAM}; it may not stream")
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise Unavailable(f"{server} compresses its answer, though it was asked not to")


def error_of(status: int, body: bytes, retry_after: str | None, server: str) -> BackendError:
    """Make the error of a response that failed; ``retry_after`` is that header's value."""
    message = f"{server} answered {status}{_code_of(body)}"
    wait_s = retry_after_s(retry_after)
    if status in (400, 413, 422) and _CONTEXT.search(body):
        return ContextTooLong(f"{message}: the prompt does not fit into its context")
    if 300 <= status < 400:
        message += "; redirects are not followed, for they could lead the key elsewhere; set base_url"
    kind = Overloaded if status == 503 and wait_s is not None else kind_of_status(status)
    return kind(message, retry_after_s=wait_s) if issubclass(kind, Unavailable) else kind(message)


def retry_after_s(value: str | None, *, now: datetime | None = None) -> float | None:
    """Seconds that a Retry-After header asks for (RFC 9110, section 10.2.3); None where it is none.

    A day at most. Some providers write fractions of a second, which the RFC does not know.
    """
    if value is None:
        return None
    try:
        wait_s = float(value)
    except ValueError:
        wait_s = _until(value, now or datetime.now(UTC))
    return min(wait_s, _MAX_RETRY_AFTER_S) if wait_s >= 0 else None


def _until(date: str, now: datetime) -> float:
    try:
        moment = parsedate_to_datetime(date)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, (moment - now).total_seconds())
    except (ValueError, OverflowError):
        return math.nan


def _code_of(body: bytes) -> str:
    """Its short error code in brackets, if it sends one."""
    try:
        detail = _ErrorBody.model_validate_json(body).error
    except ValidationError:
        return ""
    code = printable(detail.code or detail.type)
    return f" ({code})" if code else ""
