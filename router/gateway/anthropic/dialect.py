"""How Anthropic's API tells of errors."""

from __future__ import annotations

import json
from typing import Any

from router.gateway.dialect import bearer
from router.gateway.problem import Problem

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}
# Where its clients expect what HTTP calls service unavailable.
_OVERLOADED = 529


class Anthropic:
    """Fills :class:`router.gateway.dialect.Dialect`."""

    request_id_header = "request-id"

    def key(self, headers: dict[str, str]) -> str | None:
        """Sent as ``x-api-key``, or as a bearer token."""
        return headers.get("x-api-key") or bearer(headers)

    def status(self, problem: Problem) -> int:
        """As it is, but for 529 where nothing can be served now."""
        return _OVERLOADED if problem.status == 503 else problem.status

    def error(self, problem: Problem) -> dict[str, Any]:
        """``{"type": "error", "error": {…}}``; ``reason`` is our own stable word beside theirs."""
        kind = _TYPES.get(problem.status, "api_error")
        return {
            "type": "error",
            "error": {"type": kind, "message": problem.message, "reason": problem.reason},
        }

    def error_event(self, problem: Problem) -> bytes:
        """An event of the type ``error``."""
        return b"event: error\ndata: " + json.dumps(self.error(problem)).encode() + b"\n\n"
