"""Recorded requests: a list that can be searched, and each one's way step by step."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from router.journal import JournalError
from router.journal.browse import Page, Wanted
from router.ui.doors import SESSION_KEY
from router.ui.peer import peer_of
from router.ui.sources import Sources, baseline_of
from router.ui.view import View

_PAGE_SIZE = 50
ENDINGS = ("answered", "escalated", "failed")
_FIELDS = ("tier", "policy", "tenant", "ending", "min_confidence", "max_confidence")


class RequestsPage:
    """The journal, newest first."""

    def __init__(self, sources: Sources, view: View) -> None:
        self._sources = sources
        self._view = view
        self.routes = (
            Route("/requests", self.show, methods=["GET"]),
            Route("/requests/{request_id}", self.one, methods=["GET"]),
        )

    async def show(self, request: Request) -> Response:
        """Show a page of the list."""
        asked = {name: request.query_params.get(name, "") for name in _FIELDS}
        history, said = self._sources.history, ""
        found = Page((), None)
        tenants: tuple[str, ...] = ()
        if history.exists:
            try:
                before = _row(request.query_params.get("before", ""))
                found = await history.page(_wanted(asked), _PAGE_SIZE, before)
                tenants = await history.tenants()
            except JournalError as exc:
                said = str(exc)
        else:
            said = "No journal is kept, so there is nothing to list: set journal.path."
        kept = {name: value for name, value in asked.items() if value}
        return self._view.page(
            request,
            "requests",
            asked=asked,
            found=found,
            said=said,
            tenants=tenants,
            policies=[policy.name for policy in self._sources.config.policies],
            endings=ENDINGS,
            older=None if found.next_row is None else urlencode({**kept, "before": found.next_row}),
            is_first=not request.query_params.get("before"),
        )

    async def one(self, request: Request) -> Response:
        """Show one request's way."""
        history, request_id = self._sources.history, request.path_params["request_id"]
        record, said = None, "No journal is kept: set journal.path."
        if history.exists:
            try:
                record = await history.one(request_id)
                said = "No request of this id is in the journal; it may be too old, or not written yet."
            except JournalError as exc:
                said = str(exc)
        if record is not None and record.messages is not None:
            # Whoever reads what people wrote leaves a trace.
            by = request.scope[SESSION_KEY].by
            self._sources.note("ReadPrompt", by, "OK", peer_of(request), request_id=record.request_id)
        return self._view.page(
            request,
            "request",
            status=404 if record is None else 200,
            record=record,
            said=said,
            request_id=request_id,
            baseline=baseline_of(self._sources.config, self._sources.core),
        )


def _wanted(asked: dict[str, str]) -> Wanted:
    def word(name: str) -> str | None:
        return asked[name][:200] or None

    return Wanted(
        tier=word("tier"),
        policy=word("policy"),
        tenant=word("tenant"),
        ending=word("ending"),
        min_confidence=_share(asked["min_confidence"]),
        max_confidence=_share(asked["max_confidence"]),
    )


def _share(text: str) -> float | None:
    """A share of 1; what is none counts as not asked for."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0.0 <= value <= 1.0 else None


def _row(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 19 else None
