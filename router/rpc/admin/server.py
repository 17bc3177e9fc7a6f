"""The admin port: bound before anything loads, open until the last request has drained.

Decides what is served there: the admin service and reflection, both for admin keys only. Beyond this machine
it refuses to open with admin keys that are unset or weak.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

import grpc
from grpc_reflection.v1alpha import reflection
from upshift.v1 import admin_pb2

from router.config.model import ServerConfig
from router.errors import RoutingError
from router.rpc.admin.audit_log import AuditLog
from router.rpc.admin.service import AdminService
from router.rpc.authentication import Authenticator
from router.rpc.edge import Edge, Handler
from router.rpc.listen import ListenError, bind, is_loopback
from router.rpc.names import ADMIN_SERVICE_NAME, SERVICE_NAME
from router.rpc.places import Places
from router.rpc.port_options import port_options
from router.rpc.status import wire_status
from router.tenants.key_ring import KeyRing
from router.tenants.principal import Scope

# Admin calls are few; and a model may take minutes to load.
_MAX_CALL_COUNT = 16
# Beyond the limit: those that are told to come back.
_ALL_CALL_COUNT = 2 * _MAX_CALL_COUNT
_TIMEOUT_S = 600.0
_GRACE_S = 1.0


class AdminServer:
    """Serves while it is entered. ``listen`` is its address; ``settings`` are those of the other port.

    ``audit`` None: nobody writes down what was done; else it is entered before. Raises ListenError, or
    KeyFileError, when it is entered.
    """

    def __init__(
        self,
        listen: str,
        settings: ServerConfig,
        service: AdminService,
        keys: KeyRing,
        audit: AuditLog | None = None,
    ) -> None:
        self._listen = listen
        self._settings = settings
        self._service = service
        self._keys = keys
        self._audit = audit
        self._server: grpc.aio.Server | None = None
        self.address = listen

    async def __aenter__(self) -> Self:
        self._keys.open()
        if not is_loopback(self._listen) and (weakness := self._keys.weakness()) is not None:
            raise ListenError(f"admin.listen: other machines can reach {self._listen!r}, and {weakness}")
        self._server = self._build()
        self.address = bind(self._server, self._settings, listen=self._listen, asks_for_keys=True)
        await self._server.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            await self._server.stop(_GRACE_S)

    def _build(self) -> grpc.aio.Server:
        authenticator = Authenticator(self._keys)
        server = grpc.aio.server(
            interceptors=(_KeyedReflection(authenticator),),
            options=port_options(self._settings, call_count=_ALL_CALL_COUNT),
            maximum_concurrent_rpcs=_ALL_CALL_COUNT,
        )
        listeners = () if self._audit is None else (self._audit.heard,)
        handlers = _handlers(
            self._service, Edge(_TIMEOUT_S, Places(_MAX_CALL_COUNT), authenticator, listeners)
        )
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(ADMIN_SERVICE_NAME, handlers),))
        names = (ADMIN_SERVICE_NAME, SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, server)
        return server


def _handlers(service: AdminService, edge: Edge) -> dict[str, Handler]:
    unary, scope = edge.unary, Scope.ADMIN
    return {
        "GetConfig": unary(admin_pb2.GetConfigRequest, service.get_config, scope),
        "ReloadConfig": unary(admin_pb2.ReloadConfigRequest, service.reload_config, scope),
        "UpdateConfig": unary(admin_pb2.UpdateConfigRequest, service.update_config, scope),
        "ListConfigVersions": unary(admin_pb2.ListConfigVersionsRequest, service.list_config_versions, scope),
        "RollbackConfig": unary(admin_pb2.RollbackConfigRequest, service.rollback_config, scope),
        "GetStatus": unary(admin_pb2.GetStatusRequest, service.get_status, scope),
    }


class _KeyedReflection(grpc.aio.ServerInterceptor):
    """Wants an admin key for reflection, which knows none; all else keeps its own doors."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Any]], details: grpc.HandlerCallDetails
    ) -> Any:
        """Let the call through, or answer it with why not."""
        if details.method.startswith(f"/{ADMIN_SERVICE_NAME}/"):
            return await continuation(details)
        try:
            self._authenticator.principal(dict(details.invocation_metadata or ()), Scope.ADMIN)
        except RoutingError as error:
            return _refusing(error)
        return await continuation(details)


def _refusing(error: RoutingError) -> Any:
    status = wire_status(error)

    async def refuse(_: Any, context: Any) -> None:
        await context.abort(status.code, status.message)

    return grpc.stream_stream_rpc_method_handler(refuse)
