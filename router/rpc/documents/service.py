"""The document service's calls: what comes in becomes a job, and its events become messages.

Refuses to know gRPC (``edge`` does) and how documents are read.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict
from upshift.v1 import documents_pb2

from router.documents.ask.answer import ask
from router.documents.ask.extract import extract
from router.documents.ask.fields import fields_of
from router.documents.asker import Asker
from router.documents.errors import LibraryMissing, Unsupported
from router.documents.events import Finished
from router.documents.metered import metered
from router.documents.pipeline import Job, Pipeline
from router.errors import InvalidRequest, Violation
from router.rpc.documents.spool import Spool
from router.rpc.documents.wire import add_answer, add_fields, event_message
from router.rpc.seam import Call


class DocumentService:
    """``upshift.v1.DocumentService`` over a pipeline.

    Methods raise RoutingError; cancelling them stops what runs for the document.
    """

    def __init__(self, pipeline: Pipeline, spool: Spool, asker: Asker) -> None:
        self._pipeline = pipeline
        self._spool = spool
        self._asker = asker

    async def parse_document(
        self, messages: AsyncIterator[documents_pb2.ParseDocumentRequest], call: Call
    ) -> AsyncGenerator[documents_pb2.ParseDocumentResponse]:
        """Take a document and read it."""
        head = await _head(messages)
        if head.path:
            name, path = await self._spool.take(head.path)
        else:
            name, path = head.name, await self._spool.keep(head.name, _chunks(messages))
        job = Job(path, name or path.name, _money(head), call.timeout_s)
        async with aclosing(self._told(job, 0, head.wish)) as events:
            async for event in events:
                yield documents_pb2.ParseDocumentResponse(event=event)

    async def resume_document(
        self, message: documents_pb2.ResumeDocumentRequest, call: Call
    ) -> AsyncGenerator[documents_pb2.ResumeDocumentResponse]:
        """Read a document that is here, and tell what comes after an event."""
        if message.after_sequence < 0:
            said = f"is {message.after_sequence}; it must be 0 or the number of an event"
            raise InvalidRequest((Violation("after_sequence", "SEQUENCE_INVALID", said),))
        path: Path = self._spool.find(message.document_id)
        job = Job(path, path.name, _money(message), call.timeout_s)
        async with aclosing(self._told(job, message.after_sequence, message.wish)) as events:
            async for event in events:
                yield documents_pb2.ResumeDocumentResponse(event=event)

    async def _told(
        self, job: Job, after: int, wish: documents_pb2.DocumentWish
    ) -> AsyncGenerator[documents_pb2.DocumentEvent]:
        schema = _schema(wish)
        began_s = time.monotonic()
        try:
            async with aclosing(self._pipeline.run(job)) as events:
                async for event in events:
                    if event.sequence <= after:
                        continue
                    message = event_message(event, time.monotonic() - began_s)
                    if isinstance(event, Finished):
                        await self._fulfil(wish, schema, event, message.summary, job)
                    yield message
        except LibraryMissing as exc:
            raise Unsupported(f"the server cannot read it: {exc}") from exc

    async def _fulfil(
        self,
        wish: documents_pb2.DocumentWish,
        schema: dict[str, Any] | None,
        event: Finished,
        summary: documents_pb2.DocumentSummary,
        job: Job,
    ) -> None:
        """Add what was wanted beside the elements, with what is left of the document's money."""
        asker = metered(self._asker, job.max_cost_usd_micros, event.cost_usd_micros)
        if schema is not None:
            add_fields(summary, await extract(event.document, schema, asker, timeout_s=job.timeout_s))
        if wish.question:
            add_answer(summary, await ask(event.document, wish.question, asker, timeout_s=job.timeout_s))


def _schema(wish: documents_pb2.DocumentWish) -> dict[str, Any] | None:
    """The schema that is wanted, checked before anything runs. Raises InvalidRequest."""
    if not wish.HasField("schema"):
        return None
    schema = MessageToDict(wish.schema)
    fields_of(schema)
    return schema


def _money(message: documents_pb2.DocumentHead | documents_pb2.ResumeDocumentRequest) -> float | None:
    if not message.HasField("max_cost_usd_micros"):
        return None
    if message.max_cost_usd_micros < 0:
        said = f"is {message.max_cost_usd_micros}; it must be at least 0"
        raise InvalidRequest((Violation("max_cost_usd_micros", "MAX_COST_INVALID", said),))
    return float(message.max_cost_usd_micros)


async def _head(messages: AsyncIterator[documents_pb2.ParseDocumentRequest]) -> documents_pb2.DocumentHead:
    async for message in messages:
        if message.WhichOneof("part") == "head":
            return message.head
        break
    said = "is missing; the first message describes the document"
    raise InvalidRequest((Violation("head", "DOCUMENT_HEAD_MISSING", said),))


async def _chunks(messages: AsyncIterator[documents_pb2.ParseDocumentRequest]) -> AsyncIterator[bytes]:
    async for message in messages:
        if message.WhichOneof("part") != "chunk":
            said = "came again; after the head only bytes follow"
            raise InvalidRequest((Violation("head", "DOCUMENT_HEAD_REPEATED", said),))
        yield message.chunk
