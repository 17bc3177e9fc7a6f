"""The HTTP port's life: bound before anything loads, open until the last request has drained.

Decides from where it may be reached, by the rules of gRPC's port, and what is taken from slow or greedy
clients.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import uvicorn
from starlette.types import ASGIApp

from router.config.model import ServerConfig
from router.gateway.connection import Connection
from router.gateway.tls import Encryption
from router.rpc.listen import ListenError, check_doors
from router.rpc.tls import TlsError
from router.tenants.key_ring import KeyRing

# Connections that say nothing between two requests are closed after this.
_IDLE_S = 75
_BACKLOG = 2048
# Connections beyond the requests that are answered at once: idle ones, pages, those told to come back.
_SPARE_CONNECTION_COUNT = 1024


class GatewayServer:
    """Serves ``app`` over HTTP at ``listen`` while it is entered.

    Entering raises ListenError, or KeyFileError. ``settings`` are those of gRPC's port: encryption, and how
    long requests get to finish. ``keys`` are what the app asks for; None: it asks for none.
    """

    def __init__(
        self, listen: str, settings: ServerConfig, app: ASGIApp, keys: KeyRing | None = None
    ) -> None:
        self._listen = listen
        self._settings = settings
        self._app = app
        self._keys = keys
        self._server: _Server | None = None
        self._running: list[asyncio.Task[None]] = []
        self.address = listen

    async def __aenter__(self) -> Self:
        if self._keys is not None:
            self._keys.open()
        check_doors("gateway.listen", self._listen, self._settings, asks_for_keys=self._keys is not None)
        encryption = self._encryption()
        bound = _bound(self._listen)
        if not self._listen.startswith("unix:"):
            self.address = f"{self._listen.rpartition(':')[0]}:{bound.getsockname()[1]}"
        config = uvicorn.Config(
            self._app,
            http=partial(Connection, head_byte_count=self._settings.max_metadata_bytes),  # type: ignore[arg-type]
            limit_concurrency=self._settings.max_concurrent_requests + _SPARE_CONNECTION_COUNT,
            loop="none",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=_IDLE_S,
            timeout_graceful_shutdown=max(1, round(self._settings.drain_grace_s)),
            ssl_context_factory=None if encryption is None else lambda _, __: encryption.context,
        )
        self._server = _Server(config)
        self._running = [asyncio.create_task(self._server.serve([bound]))]
        if encryption is not None:
            self._running.append(asyncio.create_task(encryption.follow()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.should_exit = self._server.force_exit = True
        for task in self._running[1:]:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def drain(self) -> None:
        """Take nothing new, and wait for what runs, ``drain_grace_s`` at most."""
        if self._server is not None:
            self._server.should_exit = True
            await asyncio.wait(self._running[:1])

    def _encryption(self) -> Encryption | None:
        if self._settings.tls is None:
            return None
        try:
            return Encryption(self._settings.tls)
        except TlsError as exc:
            raise ListenError(f"server.tls cannot be used: {exc}") from exc


# It tells of its own start and end, which `upshift serve` does.
logging.getLogger("uvicorn.error").setLevel(logging.WARNING)


class _Server(uvicorn.Server):
    """uvicorn's, which leaves signals to whoever serves gRPC beside it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _bound(listen: str) -> socket.socket:
    if listen.startswith("unix:"):
        return _bound_path(Path(listen.removeprefix("unix:")))
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, int(port)))
        bound.listen(_BACKLOG)
    except (OSError, OverflowError) as exc:
        bound.close()
        raise ListenError(f"gateway.listen: cannot listen on {listen!r}: {exc}") from exc
    return bound


def _bound_path(path: Path) -> socket.socket:
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if path.is_socket():
            path.unlink()
        bound.bind(str(path))
        bound.listen(_BACKLOG)
    except OSError as exc:
        bound.close()
        raise ListenError(f"gateway.listen: cannot listen on {str(path)!r}: {exc}") from exc
    return bound
