"""The one table from errors to gRPC: code, ``google.rpc.Status``, details.

Every status has an ErrorInfo in the domain ``upshift``; faulty fields add a BadRequest, passing
trouble a RetryInfo. Whatever is not in the table is INTERNAL under a fixed text, so that nothing
of an unforeseen error leaves the house.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import grpc
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from router.errors import (
    BudgetExhausted,
    ConfigChanged,
    ConfigRefused,
    ContextTooLong,
    DeadlineExceeded,
    InvalidRequest,
    LedgerUnavailable,
    MessageTooSlow,
    NoTierAllowed,
    NoTierReady,
    PermissionDenied,
    QueueFull,
    RateLimited,
    RequestRefused,
    RoutingError,
    Unauthenticated,
    UnknownRequest,
    UnknownVersion,
    Violation,
)
from router.rpc.durations import duration
from router.rpc.names import ERROR_DOMAIN

CODES: dict[type[RoutingError], grpc.StatusCode] = {
    InvalidRequest: grpc.StatusCode.INVALID_ARGUMENT,
    NoTierAllowed: grpc.StatusCode.FAILED_PRECONDITION,
    ContextTooLong: grpc.StatusCode.FAILED_PRECONDITION,
    RequestRefused: grpc.StatusCode.FAILED_PRECONDITION,
    BudgetExhausted: grpc.StatusCode.RESOURCE_EXHAUSTED,
    QueueFull: grpc.StatusCode.RESOURCE_EXHAUSTED,
    NoTierReady: grpc.StatusCode.UNAVAILABLE,
    DeadlineExceeded: grpc.StatusCode.DEADLINE_EXCEEDED,
    MessageTooSlow: grpc.StatusCode.DEADLINE_EXCEEDED,
    UnknownRequest: grpc.StatusCode.NOT_FOUND,
    Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    PermissionDenied: grpc.StatusCode.PERMISSION_DENIED,
    RateLimited: grpc.StatusCode.RESOURCE_EXHAUSTED,
    LedgerUnavailable: grpc.StatusCode.UNAVAILABLE,
    ConfigRefused: grpc.StatusCode.FAILED_PRECONDITION,
    ConfigChanged: grpc.StatusCode.ABORTED,
    UnknownVersion: grpc.StatusCode.NOT_FOUND,
}

_INTERNAL_TEXT = "internal error; the server's log names its cause under this x-request-id"
# Together the details stay under 4 KiB. gRPC replaces trailers above 8 KiB by a transport error; base64 makes
# a third more of the details, and the message goes out a second time, percent-encoded.
_MAX_VIOLATIONS_BYTE_COUNT = 2800
_MAX_METADATA_BYTE_COUNT = 800
_MAX_MESSAGE_BYTE_COUNT = 400


@dataclass(frozen=True, slots=True)
class WireStatus:
    """How a call ends; ``details`` is a serialized ``google.rpc.Status`` of at most 4 KiB."""

    code: grpc.StatusCode
    reason: str
    message: str
    details: bytes


def wire_status(error: BaseException) -> WireStatus:
    """Translate what a handler raised."""
    code = next((CODES[kind] for kind in type(error).__mro__ if kind in CODES), None)
    if code is None or not isinstance(error, RoutingError):
        return _status(grpc.StatusCode.INTERNAL, _INTERNAL_TEXT, ErrorInfo(reason="INTERNAL"))
    info = ErrorInfo(reason=error.reason, metadata=_bounded(error.metadata))
    if isinstance(error, InvalidRequest):
        info.metadata["violation_count"] = str(len(error.violations))
        return _status(code, str(error), info, _bad_request(error.violations))
    retry_after_s: float | None = getattr(error, "retry_after_s", None)
    if retry_after_s is not None:
        return _status(code, str(error), info, RetryInfo(retry_delay=duration(retry_after_s)))
    return _status(code, str(error), info)


def _status(code: grpc.StatusCode, message: str, info: ErrorInfo, *details: Message) -> WireStatus:
    info.domain = ERROR_DOMAIN
    message = clip(message, _MAX_MESSAGE_BYTE_COUNT)
    status = Status(code=code.value[0], message=message)
    for detail in (info, *details):
        status.details.add().Pack(detail)
    return WireStatus(code, info.reason, message, status.SerializeToString())


def _bad_request(violations: Iterable[Violation]) -> BadRequest:
    """As many violations as there is room for; ErrorInfo says how many there are."""
    bad = BadRequest()
    for violation in violations:
        bad.field_violations.add(
            field=clip(violation.field, 120),
            reason=violation.reason,
            description=clip(violation.description, 400),
        )
        if bad.ByteSize() > _MAX_VIOLATIONS_BYTE_COUNT:
            del bad.field_violations[-1]
            break
    return bad


def _bounded(metadata: Mapping[str, str]) -> dict[str, str]:
    kept: dict[str, str] = {}
    room = _MAX_METADATA_BYTE_COUNT
    for key, value in metadata.items():
        kept[key] = clip(value, 200)
        # Key, value, and the tags and lengths of a map entry.
        room -= len(key.encode()) + len(kept[key].encode()) + 8
        if room < 0:
            del kept[key]
            break
    return kept


def clip(text: str, byte_count: int) -> str:
    """``text``, cut to ``byte_count`` bytes of UTF-8 with an ellipsis where it is longer."""
    encoded = text.encode()
    if len(encoded) <= byte_count:
        return text
    return encoded[: byte_count - 3].decode(errors="ignore") + "…"
