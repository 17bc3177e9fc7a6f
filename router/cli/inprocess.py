"""A router inside this process that is asked like one behind a server.

It goes through the same checks and the same messages, only without a socket.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Protocol, Unpack

from upshift.v1 import router_pb2

from router.build import build
from router.cli.access import Access
from router.config import Config, JournalConfig, LedgerConfig
from router.core import Router
from router.events import Decided
from router.rpc.client import AsyncClient, Options, StreamEvent
from router.rpc.client.answer import decided, stream_event
from router.rpc.client.question import Question, asking
from router.rpc.ids import new_request_id
from router.rpc.seam import Call
from router.rpc.service import RouterService


class Askable(Protocol):
    """What verbs ask; :class:`router.rpc.client.AsyncClient` is one."""

    def stream(self, question: Question, **options: Unpack[Options]) -> AsyncGenerator[StreamEvent]:
        """Answer event by event."""
        ...

    async def decide(self, question: Question, **options: Unpack[Options]) -> Decided:
        """Say which tier would be tried first."""
        ...


class InProcess:
    """Asks ``router`` directly; raises :class:`router.errors.RoutingError`."""

    def __init__(self, router: Router, config: Config) -> None:
        self._service = RouterService(router, max_text_byte_count=config.server.max_prompt_bytes)
        self._default_timeout_s = config.server.default_timeout_s

    async def stream(self, question: Question, **options: Unpack[Options]) -> AsyncGenerator[StreamEvent]:
        """Answer event by event."""
        message = asking(router_pb2.StreamGenerateRequest, question, options)
        async with aclosing(self._service.stream_generate(message, self._call(options))) as responses:
            async for response in responses:
                if (event := stream_event(response)) is not None:
                    yield event

    async def decide(self, question: Question, **options: Unpack[Options]) -> Decided:
        """Say which tier would be tried first; nothing runs."""
        message = asking(router_pb2.DecideRequest, question, options)
        return decided((await self._service.decide(message, self._call(options))).decision)

    def _call(self, options: Options) -> Call:
        return Call(new_request_id(), options.get("timeout_s") or self._default_timeout_s)


@asynccontextmanager
async def askable(server: str, config: Config | None, access: Access | None = None) -> AsyncIterator[Askable]:
    """Give what to ask: a router started here from ``config``, or else the one behind ``server``.

    ``access`` opens the server's doors. The journal has one writer, the server; what is asked here is
    not in it, and no tenant pays for it.
    """
    if config is None:
        async with AsyncClient(server, **(access or Access()).client_arguments()) as client:
            yield client
        return
    router = build(
        config.model_copy(update={"journal": JournalConfig(), "tenants": (), "ledger": LedgerConfig()})
    )
    try:
        await router.start()
        yield InProcess(router, config)
    finally:
        await router.close()
