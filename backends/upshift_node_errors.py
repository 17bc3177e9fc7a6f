"""From what gRPC raises to our errors: one table by the node's own reason, one by gRPC's code.

Messages hold the code and the reason, which are words; never the node's own text.
"""

from __future__ import annotations

import grpc
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from backends.errors import BackendError, ContextTooLong, Overloaded, Refused, TimedOut, Unavailable
from backends.provider_codes import printable

_DETAILS_KEY = "grpc-status-details-bin"
# First the reason, then the code; whatever is in neither is a node that cannot answer now.
_REASONS: dict[str, type[BackendError]] = {
    "CONTEXT_TOO_LONG": ContextTooLong,
    "PROMPT_TOO_LARGE": ContextTooLong,
    # What is left of our caller's money or attempts pays for nothing there.
    "BUDGET_EXHAUSTED": Refused,
}
_CODES: dict[grpc.StatusCode, type[BackendError]] = {
    grpc.StatusCode.RESOURCE_EXHAUSTED: Overloaded,
    grpc.StatusCode.DEADLINE_EXCEEDED: TimedOut,
    grpc.StatusCode.INVALID_ARGUMENT: Refused,
    grpc.StatusCode.FAILED_PRECONDITION: Refused,
    grpc.StatusCode.UNAUTHENTICATED: Refused,
    grpc.StatusCode.PERMISSION_DENIED: Refused,
    grpc.StatusCode.UNIMPLEMENTED: Refused,
    grpc.StatusCode.NOT_FOUND: Refused,
}


def error_of(failure: grpc.aio.AioRpcError, target: str) -> BackendError:
    """Translate ``failure`` of a call to ``target``."""
    reason, retry_after_s = _details(failure)
    code = failure.code()
    kind = _REASONS.get(reason) or _CODES.get(code, Unavailable)
    message = f"node {target} answered {code.name}" + (f" ({reason})" if reason else "")
    if issubclass(kind, Unavailable):
        return kind(message, retry_after_s=retry_after_s)
    return kind(message)


def _details(failure: grpc.aio.AioRpcError) -> tuple[str, float | None]:
    """The node's reason, empty where it gives none, and when to come back."""
    sent = dict(failure.trailing_metadata() or ())
    reason, retry_after_s = "", None
    try:
        details = Status.FromString(sent.get(_DETAILS_KEY, b"")).details
        for detail in details:
            info, retry = ErrorInfo(), RetryInfo()
            if detail.Unpack(info):
                reason = printable(info.reason)
            elif detail.Unpack(retry):
                retry_after_s = max(0.0, retry.retry_delay.ToNanoseconds() / 1e9)
    except DecodeError:
        pass
    return reason, retry_after_s
