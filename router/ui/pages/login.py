"""Logging in with an admin key, and out."""

from __future__ import annotations

from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from router.errors import RoutingError
from router.ui.doors import COOKIE, SESSION_KEY, cookie_of
from router.ui.peer import peer_of
from router.ui.sessions import Session
from router.ui.sources import Sources
from router.ui.view import NAVIGATION, View

# A key has 60 characters.
_MAX_BODY_BYTES = 4_096
_REFUSED = "This key is not known, has expired, or lacks the scope admin."


class LoginPage:
    """A form for the key; what it answers tells nothing of why a key was refused."""

    def __init__(self, sources: Sources, view: View) -> None:
        self._sources = sources
        self._view = view
        self.routes = (
            Route("/login", self.show, methods=["GET"]),
            Route("/login", self.log_in, methods=["POST"]),
            Route("/logout", self.log_out, methods=["POST"]),
        )

    async def show(self, request: Request) -> Response:
        """Show the form, unless nobody is asked for a key or who asks is logged in."""
        if request.scope.get(SESSION_KEY) is not None:
            return RedirectResponse(f"{request.scope['root_path']}/", 303)
        return self._form(request, request.query_params.get("next", ""))

    async def log_in(self, request: Request) -> Response:
        """Begin a session."""
        sessions, root = self._sources.sessions, request.scope["root_path"]
        if sessions is None:
            return RedirectResponse(f"{root}/", 303)
        sent = await _form_of(request)
        try:
            cookie, session = sessions.log_in(sent.get("key", "").strip())
        except RoutingError as error:
            by = error.metadata.get("key_id", "")
            self._sources.note("LogIn", by, error.reason, peer_of(request))
            return self._form(request, sent.get("next", ""), refused=_REFUSED)
        self._sources.note("LogIn", session.by, "OK", peer_of(request))
        answer = RedirectResponse(root + _own_path(sent.get("next", "")), 303)
        answer.set_cookie(
            COOKIE,
            cookie,
            max_age=int(sessions.duration_s),
            path=root or "/",
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )
        return answer

    async def log_out(self, request: Request) -> Response:
        """End the session."""
        session: Session = request.scope[SESSION_KEY]
        sent, root = await _form_of(request), request.scope["root_path"]
        if not session.has_sent(sent.get("csrf", "")):
            return Response("reload the page and try again", 403)
        if self._sources.sessions is not None:
            self._sources.sessions.log_out(cookie_of(request.headers))
            self._sources.note("LogOut", session.by, "OK", peer_of(request))
        answer = RedirectResponse(f"{root}/login", 303)
        answer.delete_cookie(COOKIE, path=root or "/", httponly=True, samesite="strict")
        return answer

    def _form(self, request: Request, wanted: str, refused: str = "") -> Response:
        status = 401 if refused else 200
        return self._view.page(request, "login", status=status, wanted=_own_path(wanted), refused=refused)


def _own_path(wanted: str) -> str:
    """A page of ours to go on to; anything else is the first one."""
    return wanted if wanted.removeprefix("/") in {name for name, _ in NAVIGATION} else "/"


async def _form_of(request: Request) -> dict[str, str]:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_BODY_BYTES:
            return {}
    return {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
