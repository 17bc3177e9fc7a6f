"""The port where Prometheus scrapes: plain HTTP on a thread of its own, beside the loop that serves.

Decides who may reach it: this machine, unless told otherwise in plain words; and that slow or many
connections cost a few threads at most.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from threading import BoundedSemaphore, Thread
from types import TracebackType
from typing import Self, cast
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, start_http_server

from router.config.observing import MetricsConfig
from router.rpc.listen import ListenError, is_loopback

_IDLE_S = 5.0
"""How long a connection may say nothing; Prometheus sends its request at once."""
_CONNECTION_COUNT = 16
"""Connections at once, each of which holds a thread; further ones are closed."""


def _bounded(handler: type[WSGIRequestHandler]) -> type[WSGIRequestHandler]:
    """The same handler, for clients that nobody knows: they may neither dawdle nor come in crowds."""
    places = BoundedSemaphore(_CONNECTION_COUNT)

    class Bounded(handler):  # type: ignore[valid-type, misc]
        timeout = _IDLE_S

        def handle(self) -> None:
            if places.acquire(blocking=False):
                try:
                    with suppress(TimeoutError, ConnectionError):
                        super().handle()
                finally:
                    places.release()

    return Bounded


class MetricsPort:
    """Serves ``registry`` while it is entered. Entering raises ListenError."""

    def __init__(self, listen: str, settings: MetricsConfig, registry: CollectorRegistry) -> None:
        self._listen = listen
        self._settings = settings
        self._registry = registry
        self._serving: tuple[WSGIServer, Thread] | None = None
        self.address = listen

    async def __aenter__(self) -> Self:
        host, _, port = self._listen.rpartition(":")
        if not self._settings.allow_insecure_listen and not is_loopback(self._listen):
            raise ListenError(
                f"metrics.listen: other machines can reach {self._listen!r}, without encryption and without "
                "authentication; listen on 127.0.0.1, or set metrics.allow_insecure_listen: true"
            )
        if self._listen.startswith("unix:"):
            raise ListenError(f"metrics.listen: {self._listen!r} is no host:port, which Prometheus wants")
        try:
            self._serving = start_http_server(int(port), host.strip("[]"), self._registry)
        except OSError as exc:
            raise ListenError(f"metrics.listen: cannot listen on {self._listen!r}: {exc.strerror}") from exc
        server = self._serving[0]
        server.RequestHandlerClass = _bounded(cast("type[WSGIRequestHandler]", server.RequestHandlerClass))
        self.address = f"{host}:{self._serving[0].server_port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._serving is not None:
            await asyncio.to_thread(self._stop, *self._serving)

    def _stop(self, server: WSGIServer, thread: Thread) -> None:
        server.shutdown()
        server.server_close()
        thread.join()
