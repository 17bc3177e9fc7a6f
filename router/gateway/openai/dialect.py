"""How OpenAI's APIs tell of errors; its clients act on the status, ``code`` and ``x-should-retry``."""

from __future__ import annotations

import json
from typing import Any

from router.gateway.dialect import bearer
from router.gateway.problem import Problem

_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
# Words of ours for which clients know another.
_CODES = {
    "CONTEXT_TOO_LONG": "context_length_exceeded",
    "KEY_MISSING": "invalid_api_key",
    "KEY_UNKNOWN": "invalid_api_key",
    "KEY_EXPIRED": "invalid_api_key",
    "MODEL_UNKNOWN": "model_not_found",
    "POLICY_UNKNOWN": "model_not_found",
    "TIER_UNKNOWN": "model_not_found",
    "BUDGET_EXHAUSTED": "insufficient_quota",
    "RATE_LIMITED": "rate_limit_exceeded",
    "FIELD_UNKNOWN": "unknown_parameter",
}


class OpenAI:
    """Fills :class:`router.gateway.dialect.Dialect`."""

    request_id_header = "x-request-id"

    def key(self, headers: dict[str, str]) -> str | None:
        """Sent as a bearer token."""
        return bearer(headers)

    def status(self, problem: Problem) -> int:
        """As it is."""
        return problem.status

    def error(self, problem: Problem) -> dict[str, Any]:
        """``{"error": {…}}``; ``reason`` is our own stable word beside theirs."""
        kind = _TYPES.get(
            problem.status, "server_error" if problem.status >= 500 else "invalid_request_error"
        )
        code = _CODES.get(problem.reason, problem.reason.lower())
        return {
            "error": {
                "message": problem.message,
                "type": "insufficient_quota" if code == "insufficient_quota" else kind,
                "param": problem.field,
                "code": code,
                "reason": problem.reason,
            }
        }

    def error_event(self, problem: Problem) -> bytes:
        """A last piece of data that holds the error."""
        return b"data: " + json.dumps(self.error(problem)).encode() + b"\n\n"
