"""The server's life: bind, load, serve, drain, stop.

Decides the order of these, how many calls there may be, and from where. Refuses to know what is served beyond
its seam.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from types import TracebackType
from typing import Any, Protocol, Self

import grpc
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from router.config.documents import DocumentsConfig
from router.config.model import Config, ServerConfig
from router.rpc.authentication import Authenticator
from router.rpc.calls import CallListener
from router.rpc.documents.door import SERVICE_NAME as DOCUMENT_SERVICE_NAME
from router.rpc.documents.door import DocumentDoor
from router.rpc.edge import Edge, method_handlers
from router.rpc.health import Health
from router.rpc.listen import bind
from router.rpc.names import SERVICE_NAME
from router.rpc.places import Places
from router.rpc.port_options import port_options
from router.rpc.seam import Core
from router.rpc.service import RouterService
from router.tenants.key_ring import KeyRing

_LOG = logging.getLogger(__name__)

# Calls beyond the limit: those that are told to come back, and health checks.
_SPARE_CALL_COUNT = 256


class Drained(Protocol):
    """Something that takes requests, and can stop doing so in peace."""

    async def drain(self) -> None:
        """Take nothing new, and wait for what runs, ``drain_grace_s`` at most."""
        ...


class Door(Drained, AbstractAsyncContextManager[object], Protocol):
    """A further way to the core: open while it is entered, shut at once when it is left."""


class RouterServer:
    """A gRPC server in front of a router. Entering it does nothing; leaving it stops all at once.

    ``keys`` None: anybody who reaches it may call. ``listeners`` hear of every call. ``documents`` None:
    it reads none. ``places`` is the room for requests at once, which other doors may share; None: its own.
    """

    def __init__(
        self,
        settings: ServerConfig,
        core: Core,
        keys: KeyRing | None = None,
        listeners: Sequence[CallListener] = (),
        documents: DocumentsConfig | None = None,
        places: Places | None = None,
    ) -> None:
        self._settings = settings
        self._core = core
        self._keys = keys
        self._listeners = listeners
        self._places = places or Places(settings.max_concurrent_requests)
        self._documents = None if documents is None else DocumentDoor(documents, core)
        self._health = Health(SERVICE_NAME)
        self._following: asyncio.Task[None] | None = None
        self._server: grpc.aio.Server | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._health.drain()
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
        if self._server is not None:
            await self._server.stop(None)
        if self._documents is not None:
            await self._documents.close()
        await self._core.close()

    async def start(self) -> str:
        """Bind, start the router, serve; return the address with its real port.

        Raises ListenError, or KeyFileError. The port is bound first: that it is taken should not show
        only after the models are loaded.
        """
        if self._keys is not None:
            self._keys.open()
        self._server = self._build()
        address = bind(self._server, self._settings, asks_for_keys=self._keys is not None)
        await self._core.start()
        if self._documents is not None:
            await self._documents.open()
        self._health.set(serving=any(tier.ready for tier in self._core.tiers()))
        self._following = asyncio.create_task(self._health.follow(self._core))
        await self._server.start()
        return address

    async def drain(self) -> None:
        """Say NOT_SERVING, take nothing new, and wait for what runs, ``drain_grace_s`` at most."""
        self._health.drain()
        if self._server is not None:
            await self._server.stop(self._settings.drain_grace_s)

    def _build(self) -> grpc.aio.Server:
        settings = self._settings
        call_count = settings.max_concurrent_requests + _SPARE_CALL_COUNT
        server = grpc.aio.server(
            options=port_options(settings, call_count=call_count), maximum_concurrent_rpcs=call_count
        )
        service = RouterService(self._core, max_text_byte_count=settings.max_prompt_bytes)
        authenticator = None if self._keys is None else Authenticator(self._keys)
        edge = Edge(settings.default_timeout_s, self._places, authenticator, self._listeners)
        handlers = method_handlers(service, edge)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE_NAME, handlers),))
        server.add_registered_method_handlers(SERVICE_NAME, handlers)
        if self._documents is not None:
            self._documents.register(server, edge)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        if settings.reflection:
            ours = (SERVICE_NAME,) if self._documents is None else (SERVICE_NAME, DOCUMENT_SERVICE_NAME)
            names = (*ours, health.SERVICE_NAME, reflection.SERVICE_NAME)
            reflection.enable_server_reflection(names, server)
        return server


# Requests leave no cycles behind (measured: 200 young collections in 2,000 requests found nothing, and took
# 2 % of the time), so the collector need not look as often as Python has it, which is every 700 objects.
_GARBAGE_COUNT = 10_000


async def serve(  # noqa: PLR0913  the root of a process
    config: Config,
    core: Core,
    *,
    ready: Callable[[str], None] | None = None,
    beside: Sequence[AbstractAsyncContextManager[object]] = (),
    listeners: Sequence[CallListener] = (),
    doors: Sequence[Door] = (),
    places: Places | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, then drain; a second signal stops at once. Raises ListenError.

    ``ready`` is called with the bound address once calls are taken. What is ``beside`` the server is
    entered before it loads anything, and left when it has ended. ``listeners`` hear of every call. Further
    ``doors`` to the core are opened before it loads and drained with this one; ``places`` is the room for
    requests at once through all of them.
    """
    stop = _StopSignals()
    settings = config.server
    if config.admin.listen is not None:  # reflection is there
        settings = settings.model_copy(update={"reflection": False})
    async with AsyncExitStack() as stack:
        stack.enter_context(stop)
        for other in beside:
            await stack.enter_async_context(other)
        keys = None if config.auth.keys is None else KeyRing(config.auth.keys)
        server = RouterServer(settings, core, keys, listeners, config.documents, places)
        await stack.enter_async_context(server)
        for door in doors:
            await stack.enter_async_context(door)
        starting = asyncio.create_task(server.start())
        if not await _finished(starting, stop.first):
            return
        # What is loaded stays; the collector need not walk through it for every request's garbage.
        gc.collect()
        gc.freeze()
        gc.set_threshold(_GARBAGE_COUNT, *gc.get_threshold()[1:])
        if ready is not None:
            ready(starting.result())
        await stop.first.wait()
        _LOG.info("draining for at most %s s", config.server.drain_grace_s)
        await _finished(asyncio.create_task(_drain(server, *doors)), stop.second)


async def _drain(*doors: Drained) -> None:
    await asyncio.gather(*(door.drain() for door in doors))


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run ``main`` on uvloop where there is one, else on asyncio."""
    if sys.platform == "win32":
        asyncio.run(main)
    else:
        import uvloop

        uvloop.run(main)


class _StopSignals:
    """The first and the second request to stop."""

    def __init__(self) -> None:
        self.first = asyncio.Event()
        self.second = asyncio.Event()

    def __enter__(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._on_signal)

    def __exit__(self, *_: object) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().remove_signal_handler(number)

    def _on_signal(self) -> None:
        (self.second if self.first.is_set() else self.first).set()


async def _finished(task: asyncio.Task[Any], stop: asyncio.Event) -> bool:
    """Wait for ``task`` unless ``stop`` comes first, which cancels it. Raises what the task raises."""
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((task, stopping), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
            return True
        return False
    finally:
        stopping.cancel()
        task.cancel()
        await asyncio.gather(task, stopping, return_exceptions=True)
