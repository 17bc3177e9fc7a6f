"""Tiers as they stand: health, queue, load and prices."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from router.ui.sources import Sources
from router.ui.view import View


class TiersPage:
    """One card a tier, fetched anew while somebody looks."""

    def __init__(self, sources: Sources, view: View) -> None:
        self._sources = sources
        self._view = view
        self.routes = (
            Route("/tiers", self.show, methods=["GET"]),
            Route("/tiers/live", self.live, methods=["GET"]),
        )

    async def show(self, request: Request) -> Response:
        """Show the page."""
        return self._view.page(request, "tiers", **self._values())

    async def live(self, request: Request) -> Response:
        """Show what moves."""
        return self._view.part(request, "tiers_live", **self._values())

    def _values(self) -> dict[str, Any]:
        return {
            "tiers": self._sources.core.tiers(),
            "configured": {tier.name: tier for tier in self._sources.config.tiers},
            "policies": self._sources.config.policies,
        }
