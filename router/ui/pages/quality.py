"""Cost against quality, how true confidence is, and how certificates stand."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from router.journal import Audit, JournalError
from router.ui.charts.quality import curve_chart, reliability_chart
from router.ui.quality import MIN_SCORED_COUNT, Quality, quality_of
from router.ui.sources import Sources
from router.ui.view import View, width_of

_HEIGHT = 320.0
_AUDIT_COUNT = 50
# The page and its charts ask one after the other; thousands of requests take seconds to read.
_FRESH_S = 5.0


class QualityPage:
    """What the journal and its feedback tell of answers."""

    def __init__(self, sources: Sources, view: View) -> None:
        self._sources = sources
        self._view = view
        self._known: tuple[float, Quality] | None = None
        self.routes = (
            Route("/quality", self.show, methods=["GET"]),
            Route("/quality/charts", self.charts, methods=["GET"]),
        )

    async def show(self, request: Request) -> Response:
        """Show the page."""
        audits, said = await self._audits()
        return self._view.page(
            request,
            "quality",
            certificates=self._sources.core.certificates(),
            audits=audits,
            audits_said=said,
            **await self._values(request),
        )

    async def charts(self, request: Request) -> Response:
        """Show the charts alone, as wide as they may be."""
        return self._view.part(request, "quality_charts", **await self._values(request))

    async def _values(self, request: Request) -> dict[str, Any]:
        history, width = self._sources.history, width_of(request)
        found: Quality | None = None
        said = "" if history.exists else "No journal is kept, so there is no history: set journal.path."
        if history.exists:
            try:
                found = await self._found()
            except JournalError as exc:
                said = str(exc)
        return {
            "found": found,
            "said": said,
            "least": MIN_SCORED_COUNT,
            "limit": history.count,
            "policy": self._sources.config.policies[0].name,
            "curve": None if found is None else curve_chart(found, width, _HEIGHT),
            "reliability": None if found is None else reliability_chart(found, width, _HEIGHT),
        }

    async def _found(self) -> Quality:
        """Reckon anew, unless that was done a moment ago."""
        now_s = self._sources.traffic.clock()
        if self._known is None or not 0.0 <= now_s - self._known[0] < _FRESH_S:
            self._known = now_s, await self._sources.history.reckon(quality_of)
        return self._known[1]

    async def _audits(self) -> tuple[tuple[Audit, ...], str]:
        if not self._sources.history.exists:
            return (), ""
        try:
            return await self._sources.history.audits(_AUDIT_COUNT), ""
        except JournalError as exc:
            return (), str(exc)
