"""Who may see the pages and act on them: checked before any page is asked, as ASGI middleware.

Decides on hosts, origins, logins and forged requests, and what browsers are told not to do. Refuses to know
any page but the login.
"""

from __future__ import annotations

import ipaddress
import secrets
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from router.ui.sessions import Session, Sessions

COOKIE = "upshift_session"
CSRF_HEADER = "x-csrf-token"
SESSION_KEY = "upshift.session"
"""Key of a request's scope that holds its :class:`Session`."""
_SAFE = ("GET", "HEAD")
_OPEN_TO_ALL = ("/static/", "/login")
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
        "trusted-types upshift"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class Doors:
    """Lets through to ``app`` who may pass. ``sessions`` None: nobody is asked for a key."""

    def __init__(self, app: ASGIApp, sessions: Sessions | None) -> None:
        self._app = app
        self._sessions = sessions
        self._open = Session(None, secrets.token_urlsafe(32), float("inf"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        guarded = _guarding(send, is_static=path.startswith("/static/"))
        refusal = self._refusal(scope, path)
        await (refusal or self._app)(scope, receive, guarded)

    def _refusal(self, scope: Scope, path: str) -> Response | None:
        """Say why the request may not pass; None: it may, and its scope says who asks."""
        headers, method = Headers(scope=scope), scope["method"]
        if (said := foreign(headers, method, is_open=self._sessions is None)) is not None:
            return PlainTextResponse(said, 403)
        session = self._session(headers)
        if session is not None:
            scope[SESSION_KEY] = session
        if path.startswith(_OPEN_TO_ALL):
            return None
        if session is None:
            return _to_login(scope, headers, path)
        is_form = path == "/logout"  # sends its token in its body
        if method not in _SAFE and not is_form and not session.has_sent(headers.get(CSRF_HEADER, "")):
            return JSONResponse({"reason": "FORGED", "message": "reload the page and try again"}, 403)
        return None

    def _session(self, headers: Headers) -> Session | None:
        if self._sessions is None:
            return self._open
        return self._sessions.find(cookie_of(headers))


def cookie_of(headers: Headers) -> str:
    """The value of the session's cookie; "" where there is none."""
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return "" if found is None else found.value


def foreign(headers: Headers, method: str, *, is_open: bool) -> str | None:
    """Say why a request seems to come from a page that is not ours; None: it does not.

    Where nobody is asked for a key (``is_open``), the host must be a name of this machine: else a page could
    let its own name lead here (DNS rebinding).
    """
    host = headers.get("host", "")
    if is_open and not is_local(host):
        return f"host {host[:100]!r} is no name of this machine; open 127.0.0.1, or set auth.keys"
    origin = headers.get("origin")
    is_foreign = origin is not None and urlsplit(origin).netloc != host
    is_cross_site = headers.get("sec-fetch-site", "none") in ("cross-site", "same-site")
    if (is_open and is_foreign) or (method not in _SAFE and (is_foreign or is_cross_site)):
        return "the request comes from another site's page"
    return None


def is_local(host: str) -> bool:
    """Whether ``host``, with or without a port, is a name that only this machine goes by."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _to_login(scope: Scope, headers: Headers, path: str) -> Response:
    if scope["method"] == "GET" and "text/html" in headers.get("accept", ""):
        return RedirectResponse(f"{scope.get('root_path', '')}/login?next={path}", 303)
    return JSONResponse({"reason": "LOGGED_OUT", "message": "log in again"}, 401)


def _guarding(send: Send, *, is_static: bool) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            headers["cache-control"] = "no-cache" if is_static else "no-store"
        await send(message)

    return guarded
