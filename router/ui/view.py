"""How pages become HTML: templates that escape everything, and what every page shows around its own.

Decides the navigation and the colours of tiers. Refuses to know what a page is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from router.ui.doors import SESSION_KEY
from router.ui.figures import FILTERS
from router.ui.sessions import Session
from router.ui.sources import Sources

TEMPLATES = Path(__file__).with_name("templates")
COLOUR_COUNT = 7
NAVIGATION = (
    ("overview", "Overview"),
    ("quality", "Quality"),
    ("tiers", "Tiers"),
    ("tenants", "Tenants"),
    ("requests", "Requests"),
    ("playground", "Playground"),
    ("policy", "Policy"),
)


class View:
    """Renders templates about ``sources``."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(FILTERS)

    def page(self, request: Request, name: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """Render the template of the page called ``name``, the frame around it included."""
        session: Session | None = request.scope.get(SESSION_KEY)
        served = self._sources.reloader.served
        around = {
            "here": name,
            "base": request.scope.get("root_path", ""),
            "navigation": NAVIGATION,
            "csrf": "" if session is None else session.csrf,
            "by": None if session is None or session.principal is None else session.by,
            "etag": served.etag,
            "now_s": self._sources.traffic.clock(),
        }
        html = self._templates.get_template(f"{name}.html").render(**around, **self._shared(), **values)
        return HTMLResponse(html, status)

    def part(self, request: Request, name: str, **values: Any) -> HTMLResponse:
        """Render the template of a part of a page, which scripts put in its place."""
        around = {"base": request.scope.get("root_path", ""), "now_s": self._sources.traffic.clock()}
        html = self._templates.get_template(f"{name}.html").render(**around, **self._shared(), **values)
        return HTMLResponse(html)

    def _shared(self) -> dict[str, Any]:
        ladder = self._sources.ladder
        places = {name: place for place, name in enumerate(ladder)}

        def tone(name: str) -> int | str:
            return places[name] % COLOUR_COUNT if name in places else "x"

        def in_order(shares: Mapping[str, float]) -> list[tuple[str, float]]:
            return sorted(shares.items(), key=lambda pair: places.get(pair[0], len(places)))

        return {"ladder": ladder, "tone": tone, "in_order": in_order}


def width_of(request: Request) -> float:
    """How wide the browser wants its charts, in pixels, within reason."""
    asked = request.query_params.get("width", "")
    if asked.isdecimal() and len(asked) < 6:
        return float(min(1600, max(260, int(asked))))
    # Until the page's script has measured.
    return 300.0 if "Mobi" in request.headers.get("user-agent", "") else 560.0
