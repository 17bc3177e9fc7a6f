"""The pages as one ASGI app, to be mounted wherever an HTTP port is served."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from router.config.model import Config
from router.rpc.listen import ListenError, is_loopback
from router.ui.doors import Doors
from router.ui.pages.login import LoginPage
from router.ui.pages.overview import OverviewPage
from router.ui.pages.playground import PlaygroundPage
from router.ui.pages.policy import PolicyPage
from router.ui.pages.quality import QualityPage
from router.ui.pages.requests import RequestsPage
from router.ui.pages.tenants import TenantsPage
from router.ui.pages.tiers import TiersPage
from router.ui.sources import Sources
from router.ui.view import View

_PAGES = (
    LoginPage,
    OverviewPage,
    QualityPage,
    TiersPage,
    TenantsPage,
    RequestsPage,
    PlaygroundPage,
    PolicyPage,
)
STATIC = Path(__file__).with_name("static")


class Pages:
    """``app`` over ``sources``, open from entering to leaving.

    ``listen`` is where it will be served: beyond this machine admin keys must be strong, or entering raises
    ListenError. Raises KeyFileError too.
    """

    def __init__(self, sources: Sources, listen: str) -> None:
        self._sources = sources
        self._listen = listen
        self.app = _app(sources)

    def routes(self, path: str = "/ui") -> tuple[BaseRoute, ...]:
        """Where the pages are, for whoever serves an HTTP port."""

        async def enter(_: Request) -> Response:
            return RedirectResponse(f"{path}/overview", 308)

        return Route(path, enter, methods=["GET"]), Mount(path, app=self.app)

    async def __aenter__(self) -> Self:
        sessions = self._sources.sessions
        if sessions is not None:
            sessions.open()
            weakness = sessions.weakness()
            if weakness is not None and not is_loopback(self._listen):
                raise ListenError(f"ui: other machines can reach {self._listen!r}, and {weakness}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sources.history.close()


def is_wanted(config: Config, listen: str) -> bool:
    """Whether there are pages at ``listen``: on this machine unless switched off, beyond it if asked."""
    wanted = config.ui
    if is_loopback(listen):
        return wanted.enabled
    return wanted.enabled and wanted.allow_beyond_loopback and config.auth.keys is not None


def _app(sources: Sources) -> Starlette:
    view = View(sources)
    pages = [page(sources, view) for page in _PAGES]

    async def lost(request: Request, _: Exception) -> Response:
        return view.page(request, "lost", status=404)

    return Starlette(
        routes=[
            *(route for page in pages for route in page.routes),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        middleware=[Middleware(Doors, sources.sessions)],
        exception_handlers={404: lost},
    )
