"""How log lines are written: for people, or as JSON objects that name the request and its trace.

Decides that an exception's own words are left out: they may quote a prompt. Its type and place are told.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

from router.request_context import current
from router.traceparent import trace_id_of

_QUIET = ("httpx", "httpcore", "aiohttp", "asyncio", "asyncpg", "grpc", "opentelemetry", "urllib3")
# One encoder for all: json.dumps makes a new one a call where its settings are not the default.
_dump = json.JSONEncoder(ensure_ascii=False, default=str).encode
_TEXT = "%(asctime)s %(levelname)s %(message)s"


class _Formatter(logging.Formatter):
    """Tells of an exception without its words."""

    def formatException(self, ei: Any) -> str:  # noqa: N802  logging's own name
        """Write where it was raised, and its type."""
        kind, _, trace = ei
        frames = "".join(traceback.format_tb(trace))
        return f"{frames}{'' if kind is None else kind.__name__}"


class JsonFormatter(_Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Write ``record`` with the ids of what its code worked for."""
        request_id, traceparent = current()
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        fields = getattr(record, "fields", None)
        line["message"] = "request" if isinstance(fields, dict) else record.getMessage()
        if request_id:
            line["request_id"] = request_id
        if trace_id := trace_id_of(traceparent):
            line["trace_id"] = trace_id
        if isinstance(fields, dict):
            line |= {key: value for key, value in fields.items() if value is not None}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _dump(line)


class TextFormatter(_Formatter):
    """A line for people; request lines say which request they are of."""

    def format(self, record: logging.LogRecord) -> str:
        """Write ``record``."""
        line = super().format(record)
        request_id, _ = current()
        return f"{line} id={request_id}" if request_id and hasattr(record, "fields") else line


def configure(form: Literal["text", "json"], stream: TextIO | None = None, *, level: str = "info") -> None:
    """Let every log line from ``level`` on go to ``stream`` in this form; None: to standard error."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter(_TEXT))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # Libraries write a line for every call upstream, or more of what they do, headers among it.
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
