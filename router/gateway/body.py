"""Bodies of requests: JSON, read strictly, and refused with the name of the field that is wrong.

A field that is not known is refused and never dropped in silence. Messages hold names and types, and none
of the values that were sent.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

from google.protobuf.struct_pb2 import Struct
from pydantic import BaseModel, ConfigDict, ValidationError

from router.errors import InvalidRequest, Violation

B = TypeVar("B", bound="Part")

# Deeper ones are refused by the JSON parser itself, and Python's encoder would end in a RecursionError.
_MAX_STRUCT_DEPTH = 64


class Part(BaseModel):
    """Something in a body: unknown fields are refused."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )


def read(kind: type[B], raw: bytes) -> B:
    """Read a body. Raises InvalidRequest with every field that is wrong."""
    try:
        return kind.model_validate_json(raw)
    except ValidationError as exc:
        found = exc.errors(include_input=False, include_url=False, include_context=False)
        raise InvalidRequest(tuple(_violation(error) for error in found[:100])) from None


def _violation(error: Any) -> Violation:
    path = ".".join(map(str, error["loc"]))
    if error["type"] == "extra_forbidden":
        said = "is not supported; leave it out"
        return Violation(path, "FIELD_UNKNOWN", said)
    if error["type"] == "missing":
        return Violation(path, "FIELD_MISSING", "is missing; it is required")
    if error["type"] == "json_invalid":
        return Violation("", "BODY_MALFORMED", "is no JSON")
    return Violation(path, "FIELD_INVALID", f"is wrong: {error['msg']}")


def unsupported(path: str, said: str) -> InvalidRequest:
    """Refuse a field that is known, for a reason that helps."""
    return InvalidRequest((Violation(path, "FIELD_UNSUPPORTED", said),))


def struct(value: dict[str, Any], path: str) -> Struct:
    """A JSON object for the wire. Raises InvalidRequest where it nests too deeply."""
    if _depth(value) > _MAX_STRUCT_DEPTH:
        said = f"nests deeper than {_MAX_STRUCT_DEPTH} levels"
        raise InvalidRequest((Violation(path, "SCHEMA_TOO_DEEP", said),))
    message = Struct()
    message.update(value)
    return message


def _depth(value: dict[str, Any]) -> int:
    """How deep it nests; counted level by level, since it may be deeper than Python's stack."""
    level: list[dict[str, Any] | list[Any]] = [value]
    depth = 0
    while level:
        depth += 1
        inner = [
            part.values() if isinstance(part, dict) else part
            for part in level
            if isinstance(part, dict | list)
        ]
        level = [item for items in inner for item in items if isinstance(item, dict | list)]
    return depth


def dump(value: Any) -> bytes:
    """JSON as it goes out: compact, UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
