"""What is told of a call when it has ended: to metrics, and to the audit log of the admin port.

Decides the word for how it ended. Refuses to know who listens; they must not
wait, and what they raise is logged and goes no further.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import TypeAlias

from google.protobuf.message import Message

from router.rpc.seam import Call
from router.rpc.status import wire_status

OK = "OK"
CANCELLED = "CANCELLED"
_LOG = logging.getLogger(__name__)


class CallRecord:
    """One call. ``message`` None: refused unread, or a stream; ``answer`` None: there is none, or many."""

    __slots__ = ("answer", "began_s", "call", "error", "latency_s", "message", "method", "peer", "reason")

    def __init__(self, method: str, call: Call, peer: str, began_s: float) -> None:
        self.method = method
        self.call = call
        self.peer = peer
        self.began_s = began_s
        self.message: Message | None = None
        self.answer: Message | None = None
        self.error: BaseException | None = None
        self.reason = OK
        self.latency_s = 0.0

    def end(self, error: BaseException | None, now_s: float) -> None:
        """Note how it ended; ``error`` None: well."""
        self.error = error
        self.latency_s = now_s - self.began_s
        if isinstance(error, asyncio.CancelledError):
            self.reason = CANCELLED
        elif error is not None:
            self.reason = wire_status(error).reason


CallListener: TypeAlias = Callable[[CallRecord], None]


def tell(record: CallRecord, error: BaseException | None, listeners: Sequence[CallListener]) -> None:
    """Tell ``listeners`` that the call has ended by now; ``error`` None: well."""
    if not listeners:
        return
    record.end(error, time.perf_counter())
    for listener in listeners:
        try:
            listener(record)
        except Exception as broken:  # noqa: BLE001  who only listens must not fail a call
            _LOG.error("a call could not be told of: an unforeseen %s", type(broken).__name__)
