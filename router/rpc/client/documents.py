"""The client for documents, for asyncio: a file goes out in pieces, events come back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import grpc
from google.protobuf.json_format import ParseDict
from upshift.v1 import documents_pb2
from upshift.v1.documents_pb2_grpc import DocumentServiceStub

from router.rpc.client.channel import DEFAULT_TARGET, async_channel
from router.rpc.client.errors import UpshiftError
from router.rpc.client.question import authorization

_CHUNK = 1 << 18
_MICROS = 1_000_000


class DocumentClient:
    """Reads documents on a server; ``async with`` closes it.

    ``target``, ``credentials`` and ``key`` are as for :class:`router.rpc.client.AsyncClient`. Methods raise
    UpshiftError. Closing a stream stops the server's work on the document.
    """

    def __init__(
        self,
        target: str = DEFAULT_TARGET,
        *,
        credentials: grpc.ChannelCredentials | None = None,
        key: str | None = None,
    ) -> None:
        self._channel = async_channel(target, credentials)
        self._stub: Any = DocumentServiceStub(self._channel)
        self._metadata = authorization(key)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._channel.close()

    async def parse(
        self,
        path: Path,
        *,
        schema: Mapping[str, Any] | None = None,
        question: str = "",
        max_cost_usd: float | None = None,
        timeout_s: float | None = None,
    ) -> AsyncGenerator[documents_pb2.DocumentEvent]:
        """Send the file at ``path`` and give the events: a plan first, the summary last.

        The summary has the fields of the JSON Schema ``schema``, and the answer to ``question``.
        """
        head = documents_pb2.DocumentHead(
            name=path.name, max_cost_usd_micros=_micros(max_cost_usd), wish=_wish(schema, question)
        )
        call = self._stub.ParseDocument(_sent(head, path), timeout=timeout_s, metadata=self._metadata)
        async for event in _events(call):
            yield event

    async def resume(
        self,
        document_id: str,
        *,
        after_sequence: int = 0,
        schema: Mapping[str, Any] | None = None,
        question: str = "",
        max_cost_usd: float | None = None,
        timeout_s: float | None = None,
    ) -> AsyncGenerator[documents_pb2.DocumentEvent]:
        """Give the events after one that was seen, of a document that the plan named so.

        What was wanted beside the elements must be said again, and the same budget.
        """
        message = documents_pb2.ResumeDocumentRequest(
            document_id=document_id,
            after_sequence=after_sequence,
            max_cost_usd_micros=_micros(max_cost_usd),
            wish=_wish(schema, question),
        )
        call = self._stub.ResumeDocument(message, timeout=timeout_s, metadata=self._metadata)
        async for event in _events(call):
            yield event


async def _sent(
    head: documents_pb2.DocumentHead, path: Path
) -> AsyncIterator[documents_pb2.ParseDocumentRequest]:
    yield documents_pb2.ParseDocumentRequest(head=head)
    with await asyncio.to_thread(path.open, "rb") as file:
        while chunk := await asyncio.to_thread(file.read, _CHUNK):
            yield documents_pb2.ParseDocumentRequest(chunk=chunk)


async def _events(call: Any) -> AsyncGenerator[documents_pb2.DocumentEvent]:
    try:
        async for response in call:
            yield response.event
    except grpc.aio.AioRpcError as error:
        raise UpshiftError.of(error) from error
    finally:
        call.cancel()


def _wish(schema: Mapping[str, Any] | None, question: str) -> documents_pb2.DocumentWish:
    wish = documents_pb2.DocumentWish(question=question)
    if schema is not None:
        ParseDict(dict(schema), wish.schema)
    return wish


def _micros(usd: float | None) -> int | None:
    return None if usd is None else round(usd * _MICROS)
