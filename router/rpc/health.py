"""``grpc.health.v1``: whether this server wants requests now.

It does while a tier is ready and it is not draining. A watcher is told of every change, and its
stream ends with the NOT_SERVING of draining, so that watchers do not hold the server up. Refuses
to know why a tier is down.
"""

from __future__ import annotations

import asyncio
from typing import TypeAlias

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from router.rpc.seam import Core

Context: TypeAlias = "grpc.aio.ServicerContext[health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse]"
_Response = health_pb2.HealthCheckResponse

# A tier that comes or goes is told this much later at most.
POLL_INTERVAL_S = 0.5


class Health(health_pb2_grpc.HealthServicer):
    """The state of ``services``, all the same, and of the whole server (the empty name)."""

    def __init__(self, *services: str) -> None:
        self._services = frozenset(("", *services))
        self._serving = False
        self._draining = False
        self._changed = asyncio.Event()

    def set(self, *, serving: bool) -> None:
        """Say whether requests are wanted; while draining they never are."""
        if serving != self._serving and not self._draining:
            self._serving = serving
            self._tell()

    def drain(self) -> None:
        """Say NOT_SERVING from now on, and end every watch."""
        self._serving = False
        self._draining = True
        self._tell()

    async def follow(self, core: Core, interval_s: float = POLL_INTERVAL_S) -> None:
        """Follow the readiness of the tiers; runs until it is cancelled."""
        while True:
            self.set(serving=any(tier.ready for tier in core.tiers()))
            await asyncio.sleep(interval_s)

    async def Check(self, request: health_pb2.HealthCheckRequest, context: Context) -> _Response:  # noqa: N802
        """Answer once; NOT_FOUND for a service that is not here."""
        if request.service not in self._services:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such service here")
        return _Response(status=self._status(request.service))

    async def Watch(self, request: health_pb2.HealthCheckRequest, context: Context) -> None:  # noqa: N802
        """Answer now and on every change."""
        last: int | None = None
        while True:
            changed = self._changed
            status = self._status(request.service)
            if status != last:
                await context.write(_Response(status=status))
                last = status
            if self._draining:
                return
            await changed.wait()

    def _status(self, service: str) -> int:
        if service not in self._services:
            return _Response.SERVICE_UNKNOWN
        return _Response.SERVING if self._serving else _Response.NOT_SERVING

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
