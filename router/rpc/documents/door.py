"""The document service's place on the server: opened and closed with it, behind the same guard."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import grpc
from upshift.v1 import documents_pb2

from router.config.documents import DocumentsConfig
from router.documents.assemble import open_pipeline
from router.documents.configured import settings_of, steps_of
from router.rpc.documents.service import DocumentService
from router.rpc.documents.spool import Spool
from router.rpc.edge import Edge
from router.rpc.seam import Call, Core
from router.tenants.principal import Scope

SERVICE_NAME = documents_pb2.DESCRIPTOR.services_by_name["DocumentService"].full_name


class DocumentDoor:
    """Adds the service to a server. ``core`` answers for the model tiers and is started before ``open``."""

    def __init__(self, config: DocumentsConfig, core: Core) -> None:
        self._config = config
        self._core = core
        self._stack = AsyncExitStack()
        self._service: DocumentService | None = None

    def register(self, server: grpc.aio.Server, edge: Edge) -> None:
        """Add the methods; they may be called once ``open`` has returned."""
        handlers = {
            "ParseDocument": edge.exchange(
                documents_pb2.ParseDocumentRequest,
                self._parse,
                Scope.GENERATE,
            ),
            "ResumeDocument": edge.stream(
                documents_pb2.ResumeDocumentRequest,
                self._resume,
                Scope.GENERATE,
            ),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE_NAME, handlers),))
        server.add_registered_method_handlers(SERVICE_NAME, handlers)

    async def open(self) -> None:
        """Get ready; processes start with the first document."""
        config = self._config
        steps = steps_of(config)
        self._stack.callback(steps.close)
        kept = None if config.journal is None else Path(f"{config.journal}.files")
        spool = Spool(kept, config.roots, config.max_bytes)
        spool.open()
        self._stack.callback(spool.close)
        pipeline = await self._stack.enter_async_context(
            open_pipeline(settings_of(config), steps=steps, asker=self._core)
        )
        self._service = DocumentService(pipeline, spool, self._core)

    async def close(self) -> None:
        """End all processes."""
        await self._stack.aclose()

    def _parse(
        self, messages: AsyncIterator[documents_pb2.ParseDocumentRequest], call: Call
    ) -> AsyncGenerator[documents_pb2.ParseDocumentResponse]:
        return self._opened.parse_document(messages, call)

    def _resume(
        self, message: documents_pb2.ResumeDocumentRequest, call: Call
    ) -> AsyncGenerator[documents_pb2.ResumeDocumentResponse]:
        return self._opened.resume_document(message, call)

    @property
    def _opened(self) -> DocumentService:
        assert self._service is not None, "the server takes calls only once everything is open"
        return self._service
