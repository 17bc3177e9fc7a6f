"""JSON that scripts of the pages send and get: bounded, of one shape, errors with their stable word."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from router.errors import InvalidRequest, RoutingError, Violation
from router.rpc.status import wire_status

MAX_BODY_BYTES = 2 * 1024 * 1024


class Sent(BaseModel):
    """Base of what scripts send: strict, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


async def body_of(request: Request) -> bytes:
    """Read the body. Raises InvalidRequest where it is longer than any page sends."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            said = f"is longer than {MAX_BODY_BYTES} bytes"
            raise InvalidRequest((Violation("", "BODY_TOO_LONG", said),))
    return bytes(body)


def read(kind: type[Sent], body: bytes) -> Any:
    """Read ``body`` as a ``kind``. Raises InvalidRequest with every field that is wrong."""
    try:
        return kind.model_validate_json(body)
    except ValidationError as exc:
        violations = (
            Violation(".".join(map(str, error["loc"])), "FIELD_INVALID", error["msg"])
            for error in exc.errors()
        )
        raise InvalidRequest(tuple(violations)) from exc


def refusal(error: BaseException) -> dict[str, Any]:
    """What is told of ``error``; of an unforeseen one nothing but that it happened, as on the wire."""
    status = wire_status(error)
    violations = error.violations if isinstance(error, InvalidRequest) else ()
    return {
        "reason": status.reason,
        "message": str(error) if isinstance(error, RoutingError) else status.message,
        "fields": [{"field": one.field, "message": one.description} for one in violations],
    }


def refused(error: RoutingError, status: int = 400) -> Response:
    """Answer with ``error``."""
    return JSONResponse(refusal(error), status)


def line(value: dict[str, Any]) -> bytes:
    """Write a line of a stream of JSON."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode() + b"\n"
