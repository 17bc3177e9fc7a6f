"""Documents read by a server: the file goes out in pieces, and a stream that breaks is taken up again.

Refuses to know how anything is read; progress and summary are told as for a document that is read here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.json_format import MessageToDict
from upshift.v1 import documents_pb2

from router.cli.documents.progress import Watch
from router.cli.documents.wish import Wish
from router.documents.events import Spent
from router.documents.outcome import Verdict
from router.rpc.client.documents import DocumentClient
from router.rpc.client.errors import UpshiftError

_MOST_BREAKS = 5
_PAUSE_S = 0.5


@dataclass
class Received:
    """What came of a document so far."""

    document_id: str = ""
    sequence: int = 0
    elements: dict[str, documents_pb2.Element] = field(default_factory=dict)
    summary: documents_pb2.DocumentSummary | None = None

    def as_object(self) -> dict[str, Any]:
        """Everything under the names of the wire (`DocumentService`)."""
        summary = documents_pb2.DocumentSummary()
        if self.summary is not None:
            summary.CopyFrom(self.summary)
            summary.ClearField("markdown")
        return {
            "sha256": self.document_id,
            "elements": [_plain(element) for element in self.elements.values()],
            **_plain(summary),
        }


class Remote:
    """Reads documents through ``client``; ``pause`` waits so many seconds before it comes back."""

    def __init__(
        self,
        client: DocumentClient,
        wish: Wish,
        watch: Watch,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._client = client
        self._wish = wish
        self._watch = watch
        self._pause = pause

    async def read(self, path: Path) -> Received:
        """Read one file. Raises UpshiftError where it is refused, or the server stays away."""
        got, breaks = Received(), 0
        while got.summary is None:
            seen = got.sequence
            try:
                async with aclosing(self._stream(path, got)) as events:
                    async for event in events:
                        self._take(got, event)
            except UpshiftError as exc:
                breaks = 1 if got.sequence > seen else breaks + 1
                if exc.code is not grpc.StatusCode.UNAVAILABLE or breaks > _MOST_BREAKS:
                    raise
                await self._pause(exc.retry_after_s or _PAUSE_S * 2 ** (breaks - 1))
        return got

    def _stream(self, path: Path, got: Received) -> AsyncGenerator[documents_pb2.DocumentEvent]:
        wish = self._wish
        question = wish.question or ""
        if not got.document_id:
            return self._client.parse(
                path,
                schema=wish.schema,
                question=question,
                max_cost_usd=wish.max_cost_usd,
                timeout_s=wish.timeout_s,
            )
        return self._client.resume(
            got.document_id,
            after_sequence=got.sequence,
            schema=wish.schema,
            question=question,
            max_cost_usd=wish.max_cost_usd,
            timeout_s=wish.timeout_s,
        )

    def _take(self, got: Received, event: documents_pb2.DocumentEvent) -> None:
        got.sequence = event.sequence
        match event.WhichOneof("event"):
            case "plan":
                got.document_id = event.plan.document_id
                self._watch.plans(event.plan.page_count, event.plan.kind, tuple(event.plan.missing))
            case "element" | "revised" as kind:
                element: documents_pb2.Element = getattr(event, kind)
                got.elements[element.id] = element
                is_sure = element.verdict == documents_pb2.VERDICT_VERIFIED
                self._watch.settles(Verdict.VERIFIED if is_sure else Verdict.UNVERIFIED)
            case "page_done":
                self._watch.turns()
            case "summary":
                got.summary = event.summary
                self._watch.ends(_spent(event.summary), event.summary.cost_usd_micros)


def _spent(summary: documents_pb2.DocumentSummary) -> tuple[Spent, ...]:
    return tuple(
        Spent(one.engine, one.reading_count, one.standing_count, one.cost_usd_micros)
        for one in summary.spending
    )


def _plain(message: Any) -> dict[str, Any]:
    plain: dict[str, Any] = MessageToDict(message, preserving_proto_field_name=True)
    return plain
