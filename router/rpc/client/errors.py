"""The one error of the client: a failed call, read back from its ``google.rpc.Status``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import grpc
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from router.errors import Violation
from router.rpc.durations import seconds
from router.rpc.names import DETAILS_KEY, REQUEST_ID_KEY


class UpshiftError(Exception):
    """A call that failed.

    ``code`` is gRPC's, ``reason`` the stable word to branch on (such as ``BUDGET_EXHAUSTED``; the
    code's name where the answer comes from the network and not from a router), ``metadata`` the
    values seen, ``violations`` the faulty fields, ``retry_after_s`` when to come back (None: not
    said), ``request_id`` what the server's log calls the call ("" where it never got there).
    """

    def __init__(self, code: grpc.StatusCode, message: str, *, reason: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason or code.name
        self.metadata: Mapping[str, str] = {}
        self.violations: tuple[Violation, ...] = ()
        self.retry_after_s: float | None = None
        self.request_id = ""

    @classmethod
    def of(cls, error: grpc.RpcError) -> Self:
        """Read ``error`` as either kind of stub raises it."""
        sent: dict[str, Any] = dict(error.trailing_metadata() or ())  # type: ignore[arg-type]
        # A server that stops ends calls it had not begun as cancelled; to their caller it is away.
        code = grpc.StatusCode.UNAVAILABLE if error.code() is grpc.StatusCode.CANCELLED else error.code()
        found = cls(code, error.details() or code.name)
        found.request_id = sent.get(REQUEST_ID_KEY, "")
        found._read(sent.get(DETAILS_KEY, b""))
        return found

    def _read(self, serialized: bytes) -> None:
        try:
            details = Status.FromString(serialized).details
        except DecodeError:
            return
        for detail in details:
            info, bad, retry = ErrorInfo(), BadRequest(), RetryInfo()
            if detail.Unpack(info):
                self.reason, self.metadata = info.reason, dict(info.metadata)
            elif detail.Unpack(bad):
                self.violations = tuple(
                    Violation(found.field, found.reason, found.description) for found in bad.field_violations
                )
            elif detail.Unpack(retry):
                self.retry_after_s = seconds(retry.retry_delay)
