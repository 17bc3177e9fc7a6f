"""A server from a configuration file: the router, and all that stands beside it.

The one place where the parts of a served process are joined; decides nothing about any of them.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from router.config.model import Config
from router.gateway.house import House, Limits
from router.live.config_file import ConfigFile
from router.live.core import LiveRouter
from router.live.hangup import AUTHOR, Hangup
from router.live.reloader import Change, Reloader
from router.live.settings import Settings
from router.live.versions import Versions, folder_of
from router.observe.extra import wanted_by
from router.observe.outlook import Outlook
from router.rpc.admin.audit_log import AuditLog
from router.rpc.admin.server import AdminServer
from router.rpc.admin.service import AdminService
from router.rpc.authentication import Authenticator
from router.rpc.places import Places
from router.rpc.server import serve
from router.tenants.key_ring import KeyRing

if TYPE_CHECKING:
    from router.gateway.server import GatewayServer
    from router.ui.app import Pages


class Serving:
    """Everything that serves the file at ``path``, as ``adjust`` changes it.

    Raises as :func:`router.config.load.load` and :func:`router.build.build` do.
    """

    def __init__(self, path: Path, adjust: Callable[[Config], Config]) -> None:
        file = ConfigFile(path, adjust)
        served = file.read()
        config = self.config = served.config
        outlook = self._outlook = Outlook(config)
        self.core = LiveRouter(config, observer=outlook.watch)
        versions = Versions(folder_of(path, config.admin.versions))
        self.reloader = Reloader(self.core, file, served, versions)
        self.audit = None if config.admin.audit is None else AuditLog(config.admin.audit)
        self.admin = self._admin()
        self._places = Places(config.server.max_concurrent_requests)
        self.pages = self._pages()
        self.gateway = self._gateway()
        outlook.look_at(self.core, self.reloader)
        settings = Settings(config, outlook)
        self.core.follow(lambda: settings.apply(self.core.config, self.core.router.parts.journal))

    async def run(self, ready: Callable[[str], None] | None = None) -> None:
        """Serve until SIGTERM or SIGINT; see :func:`router.rpc.server.serve`."""
        await serve(
            self.config,
            self.core,
            ready=ready,
            beside=self._beside(),
            listeners=self._outlook.call_listeners,
            doors=() if self.gateway is None else (self.gateway,),
            places=self._places,
        )

    def addresses(self) -> dict[str, str]:
        """Where the further ports listen, by name, once they are bound."""
        found = {} if self.admin is None else {"admin": self.admin.address}
        if self.gateway is not None:
            found["gateway"] = self.gateway.address
            if self.pages is not None:
                found["pages"] = f"{self.gateway.address}/ui"
        if self._outlook.metrics_address is not None:
            found["metrics"] = self._outlook.metrics_address()
        return found

    def _admin(self) -> AdminServer | None:
        config = self.config
        if config.admin.listen is None or config.auth.keys is None:
            return None
        service = AdminService(self.core, self.reloader, time.time())
        keys = KeyRing(config.auth.keys)
        return AdminServer(config.admin.listen, config.server, service, keys, self.audit)

    def _gateway(self) -> GatewayServer | None:
        config = self.config
        if config.gateway.listen is None:
            return None
        with wanted_by("gateway", extra="gateway"):
            from router.gateway.app import application
            from router.gateway.server import GatewayServer

        keys = None if config.auth.keys is None else KeyRing(config.auth.keys)
        house = House(
            self.core,
            Limits(
                config.server.max_message_bytes,
                config.server.max_prompt_bytes,
                config.server.default_timeout_s,
            ),
            self._places,
            None if keys is None else Authenticator(keys),
            self._outlook.call_listeners,
        )
        routes = () if self.pages is None else self.pages.routes()
        return GatewayServer(config.gateway.listen, config.server, application(house, routes), keys)

    def _pages(self) -> Pages | None:
        listen = self.config.gateway.listen
        if listen is None:
            return None
        with wanted_by("ui", extra="gateway"):
            from router.ui.serving import Served, pages_at

        served = Served(self.core, self.reloader, self._places, self.audit)
        return pages_at(listen, served, self._outlook.watch)

    def _beside(self) -> list[AbstractAsyncContextManager[object]]:
        beside: list[AbstractAsyncContextManager[object]] = [*self._outlook.beside]
        if self.audit is not None:
            beside.append(self.audit)
        if self.admin is not None:
            beside.append(self.admin)
        if self.pages is not None:
            beside.append(self.pages)
        if sys.platform != "win32":
            beside.append(Hangup(self.reloader, self._hung_up))
        return beside

    def _hung_up(self, outcome: str, change: Change | None) -> None:
        if self.audit is not None:
            done = None if change is None else {"etag": change.etag, "version": change.version}
            self.audit.note("ReloadConfig", by=AUTHOR, outcome=outcome, done=done)
