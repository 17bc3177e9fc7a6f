"""The one table from errors to HTTP: status, stable word, whether and when to come back.

Built on the table to gRPC, so that both doors say the same. Refuses to know in whose shape an error is told;
each API's own file does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import grpc

from router.errors import InvalidRequest, RoutingError, Violation
from router.rpc.status import wire_status

STATUSES: Mapping[grpc.StatusCode, int] = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
    grpc.StatusCode.ABORTED: 409,
}
# What is wrong is the name of the model, which both APIs tell by 404.
_UNKNOWN_MODEL = frozenset({"MODEL_UNKNOWN", "POLICY_UNKNOWN", "TIER_UNKNOWN"})
# Where a field of ours is called otherwise in the HTTP APIs.
_FIELDS = {
    "prompt.": "",
    "sampling.": "",
    "max_output_token_count": "max_tokens",
    "top_logprob_count": "top_logprobs",
    "constraints.allowed_tiers[0]": "model",
    "constraints.policy": "model",
    "constraints.": "upshift.",
}


class TooLarge(Exception):
    """The body is larger than the server takes; ``byte_count`` is the most that it does."""

    def __init__(self, byte_count: int) -> None:
        super().__init__(f"the body is larger than {byte_count} bytes, which is all that is taken")


class TooSlow(Exception):
    """The body did not come in time; ``timeout_s`` is what it had."""

    def __init__(self, timeout_s: float) -> None:
        super().__init__(f"the body did not come within {timeout_s:g} s")


class NotFound(Exception):
    """There is nothing under the address."""


class WrongMethod(Exception):
    """The address does not take the method; the message says which it takes."""


@dataclass(frozen=True, slots=True)
class Problem:
    """How a request ends. ``field`` None: no single field is to blame; ``retry_after_s`` None: not said."""

    status: int
    reason: str
    message: str
    field: str | None = None
    retry_after_s: float | None = None

    @property
    def may_retry(self) -> bool:
        """Whether asking the same again may help."""
        return self.retry_after_s is not None or self.status in (409, 500, 503, 504)


def problem_of(error: BaseException) -> Problem:
    """Say how a request ends by ``error``; of an unforeseen one no word gets out."""
    if isinstance(error, TooLarge):
        return Problem(413, "BODY_TOO_LARGE", str(error))
    if isinstance(error, TooSlow):
        return Problem(408, "BODY_TOO_SLOW", str(error))
    if isinstance(error, NotFound):
        return Problem(404, "NOT_FOUND", str(error))
    if isinstance(error, WrongMethod):
        return Problem(405, "METHOD_NOT_ALLOWED", str(error))
    status = wire_status(error)
    number = STATUSES.get(status.code, 500)
    if isinstance(error, InvalidRequest):
        first = error.violations[0]
        number = 404 if first.reason in _UNKNOWN_MODEL else number
        return Problem(number, first.reason, _told(error.violations), _field(first.field))
    retry_after_s = getattr(error, "retry_after_s", None) if isinstance(error, RoutingError) else None
    return Problem(number, status.reason, status.message, retry_after_s=retry_after_s)


def _told(violations: tuple[Violation, ...]) -> str:
    """The first few, each with its field; more would fill a screen."""
    shown = violations[:4]
    rest = "" if len(violations) == len(shown) else f"; and {len(violations) - len(shown)} more"
    return "; ".join(f"{_field(v.field) or 'the body'} {v.description}" for v in shown) + rest


def _field(path: str) -> str | None:
    for ours, theirs in _FIELDS.items():
        path = path.replace(ours, theirs, 1) if path.startswith(ours) else path
    return path or None
