"""Nodes to ask: real servers that play a script, and liars that only speak the protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
from upshift.v1 import router_pb2, router_pb2_grpc

from backends.upshift_node import UpshiftNodeBackend
from backends.upshift_node_options import UpshiftNodeOptions
from router.config import ServerConfig
from router.rpc.server import RouterServer
from tests.router.rpc.scripted_router import (
    Script,
    ScriptedRouter,
    echo,
)


@asynccontextmanager
async def node(
    script: Script = echo, **options: Any
) -> AsyncIterator[tuple[UpshiftNodeBackend, ScriptedRouter]]:
    """A started backend in front of a real server that plays ``script``."""
    router = ScriptedRouter(script)
    settings = ServerConfig.model_validate({"listen": "127.0.0.1:0"})
    async with RouterServer(settings, router) as server:
        target = await server.start()
        backend = UpshiftNodeBackend(UpshiftNodeOptions.model_validate({"target": target, **options}))
        await backend.start()
        try:
            yield backend, router
        finally:
            await backend.close()


Answers = Callable[[router_pb2.StreamGenerateRequest, Any], Any]


class Liar(router_pb2_grpc.RouterServiceServicer):
    """A node that answers as it is told to, and keeps what came beside the question."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self.metadata: dict[str, str] = {}

    async def StreamGenerate(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Lie."""
        self.metadata = dict(context.invocation_metadata())
        async for event in self._answers(request, context):
            yield event


@asynccontextmanager
async def lying(
    answers: Answers, *, credentials: grpc.ServerCredentials | None = None, **options: Any
) -> AsyncIterator[tuple[UpshiftNodeBackend, Liar]]:
    """A backend in front of a liar."""
    liar, server = Liar(answers), grpc.aio.server()  # type: ignore[abstract]
    router_pb2_grpc.add_RouterServiceServicer_to_server(liar, server)
    if credentials is None:
        port = server.add_insecure_port("127.0.0.1:0")
    else:
        port = server.add_secure_port("localhost:0", credentials)
    await server.start()
    host = "127.0.0.1" if credentials is None else "localhost"
    settings = {"target": f"{host}:{port}", "start_check": False} | options
    backend = UpshiftNodeBackend(UpshiftNodeOptions.model_validate(settings))
    await backend.start()
    try:
        yield backend, liar
    finally:
        await backend.close()
        await server.stop(None)


def event(**fields: Any) -> router_pb2.StreamGenerateResponse:
    """One event of a stream."""
    return router_pb2.StreamGenerateResponse(**fields)
