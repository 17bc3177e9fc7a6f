"""Tenants: what each may ask for and spend, and what the ledger has of it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from router.ledger.base import LedgerError
from router.ledger.calendar import day_of
from router.tenants.report import TenantReport, report_tenants
from router.ui.sources import Sources
from router.ui.view import View


class TenantsPage:
    """One row a tenant."""

    def __init__(self, sources: Sources, view: View) -> None:
        self._sources = sources
        self._view = view
        self.routes = (Route("/tenants", self.show, methods=["GET"]),)

    async def show(self, request: Request) -> Response:
        """Show the page."""
        day = day_of(self._sources.traffic.clock())
        reports: tuple[TenantReport, ...] = ()
        said = ""
        try:
            reports = await report_tenants(self._sources.config, day)
        except LedgerError as exc:
            said = str(exc)
        ledger = self._sources.config.ledger
        has_ledger = ledger.path is not None or ledger.url is not None
        return self._view.page(
            request, "tenants", reports=reports, day=day.isoformat(), said=said, has_ledger=has_ledger
        )
