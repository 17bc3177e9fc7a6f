"""The audit log: one JSON line for every admin call, who, what, when, from where, and how it ended.

Decides what of a call is written: names, ETags and numbers, never a configuration, a key or another secret.
Lines are only ever appended, each synced to the disk. Trouble with the file after the start is logged and
does not stop a call that has been carried out.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from google.protobuf.message import Message
from upshift.v1 import admin_pb2

from router.errors import RoutingError
from router.live.config_file import etag_of
from router.rpc.calls import OK, CallRecord
from router.rpc.listen import ListenError

_LOG = logging.getLogger(__name__)

_PLAIN_FIELDS = ("etag", "version", "allow_unready_tiers")


class AuditLog:
    """The file at ``path``, written to while it is entered. ``clock`` gives seconds since 1970."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        # One thread, so that lines stand in the order of their calls.
        self._thread: Executor | None = None

    async def __aenter__(self) -> Self:
        """See that lines can be written. Raises ListenError: unaudited, no admin call is taken."""
        try:
            _append(self._path, b"")
        except OSError as exc:
            raise ListenError(f"admin.audit: {self._path} cannot be written: {exc.strerror}") from exc
        self._thread = ThreadPoolExecutor(1, "audit-log")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what waits."""
        thread, self._thread = self._thread, None
        if thread is not None:
            await asyncio.to_thread(thread.shutdown)

    def heard(self, record: CallRecord) -> None:
        """Write a line for a call that has ended."""
        metadata = record.error.metadata if isinstance(record.error, RoutingError) else {}
        caller = record.call.caller
        self.note(
            record.method,
            by=metadata.get("key_id") if caller is None else caller.key_id,
            outcome=record.reason,
            peer=record.peer,
            request_id=record.call.request_id,
            latency_s=round(record.latency_s, 6),
            asked=_plain(record.message),
            done=_plain(getattr(record.answer, "change", None)),
        )

    def note(self, what: str, *, by: str | None, outcome: str = OK, **more: Any) -> None:
        """Write a line; what is None or empty of ``more`` is left out."""
        time_s = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="microseconds")
        line = {"time": time_s, "who": by, "what": what, "outcome": outcome}
        line |= {key: value for key, value in more.items() if value}
        written = json.dumps(line, ensure_ascii=False).encode() + b"\n"
        if self._thread is not None:
            self._thread.submit(self._write, written)

    def _write(self, line: bytes) -> None:
        try:
            _append(self._path, line)
        except OSError as exc:
            _LOG.error("the audit log %s lost a line: %s: %s", self._path, exc.strerror, line.decode())


def _append(path: Path, line: bytes) -> None:
    """Append in one write; the file is opened each time, so that it can be moved away at any time."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if line:
            os.write(file, line)
            os.fsync(file)
    finally:
        os.close(file)


def _plain(message: Message | None) -> dict[str, Any]:
    if message is None:
        return {}
    fields = message.DESCRIPTOR.fields_by_name
    found = {name: getattr(message, name) for name in _PLAIN_FIELDS if name in fields}
    if isinstance(message, admin_pb2.UpdateConfigRequest):
        found["content_etag"] = etag_of(message.content)
    return {name: value for name, value in found.items() if value}
