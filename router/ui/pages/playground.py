"""One prompt, streamed through the ladder, or decided on without running anything.

Asks as any client does, by the same rules and at its tenant's expense; retraction is allowed, so that what
is rejected can be seen too.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from upshift.v1 import router_pb2

from router.errors import RoutingError
from router.grounds import decision_object
from router.request import Request as Asked
from router.rpc.coalesce import coalesced
from router.rpc.ids import new_request_id
from router.rpc.rules import Known
from router.rpc.seam import Call
from router.rpc.wire import core_request
from router.tenants.principal import Scope
from router.ui.doors import SESSION_KEY
from router.ui.peer import peer_of
from router.ui.reply import Sent, body_of, line, read, refusal, refused
from router.ui.sessions import Session
from router.ui.sources import Sources, baseline_of
from router.ui.told import told
from router.ui.view import View


class Tried(Sent):
    """What the form asks; None and "" leave a value to the policy."""

    prompt: str
    system: str = ""
    policy: str = ""
    tenant: str = ""
    tags: tuple[str, ...] = ()
    min_confidence: float | None = None
    max_cost_usd: float | None = None
    max_attempt_count: int | None = None
    max_output_token_count: int | None = None
    local_only: bool = False


class PlaygroundPage:
    """A form, and two things that can be asked with it."""

    def __init__(self, sources: Sources, view: View) -> None:
        self._sources = sources
        self._view = view
        self.routes = (
            Route("/playground", self.show, methods=["GET"]),
            Route("/playground/run", self.run, methods=["POST"]),
            Route("/playground/decide", self.decide, methods=["POST"]),
        )

    async def show(self, request: Request) -> Response:
        """Show the form."""
        session: Session = request.scope[SESSION_KEY]
        principal = session.principal
        return self._view.page(
            request,
            "playground",
            policies=[policy.name for policy in self._sources.config.policies],
            may_ask=principal is None or Scope.GENERATE in principal.scopes,
            tenants=() if principal is None else principal.tenants,
            baseline=baseline_of(self._sources.config, self._sources.core),
        )

    async def decide(self, request: Request) -> Response:
        """Say what would be tried first."""
        try:
            asked = await self._asked(request, Scope.DECIDE)
            return JSONResponse(decision_object(self._sources.core.decide(asked)))
        except RoutingError as error:
            return refused(error)

    async def run(self, request: Request) -> Response:
        """Answer, an event a line. A browser that goes away stops the model."""
        session: Session = request.scope[SESSION_KEY]
        try:
            asked = await self._asked(request, Scope.GENERATE)
        except RoutingError as error:
            return refused(error)
        self._sources.note("Try", session.by, "OK", peer_of(request), request_id=asked.id)
        return StreamingResponse(self._lines(asked), media_type="application/x-ndjson")

    async def _lines(self, asked: Asked) -> AsyncGenerator[bytes]:
        try:
            with self._sources.places.take():
                async with aclosing(coalesced(self._sources.core.run(asked))) as events:
                    async for event in events:
                        yield line(told(event))
        except RoutingError as error:
            yield line({"event": "failed", "request_id": asked.id, **refusal(error)})

    async def _asked(self, request: Request, scope: Scope) -> Asked:
        """Check what was sent by the rules of the wire. Raises RoutingError."""
        session: Session = request.scope[SESSION_KEY]
        principal = session.principal
        if principal is not None:
            principal.require(scope)
        tried = read(Tried, await body_of(request))
        core, settings = self._sources.core, self._sources.config.server
        known = Known(core.tier_names(), core.policy_names(), settings.max_prompt_bytes)
        call = Call(new_request_id(), settings.default_timeout_s, caller=principal)
        return core_request(_message(tried), call, known)


def _message(tried: Tried) -> router_pb2.StreamGenerateRequest:
    message = router_pb2.StreamGenerateRequest(
        tenant=tried.tenant, tags=sorted(set(tried.tags)), allow_retraction=True
    )
    if tried.system:
        message.prompt.messages.add(role="ROLE_SYSTEM", content=tried.system)
    message.prompt.messages.add(role="ROLE_USER", content=tried.prompt)
    if tried.max_output_token_count is not None:
        message.prompt.sampling.max_output_token_count = tried.max_output_token_count
    wanted = message.constraints
    wanted.policy, wanted.local_only = tried.policy, tried.local_only
    if tried.min_confidence is not None:
        wanted.min_confidence = tried.min_confidence
    if tried.max_cost_usd is not None:
        wanted.max_cost_usd_micros = round(tried.max_cost_usd * 1e6)
    if tried.max_attempt_count is not None:
        wanted.max_attempt_count = tried.max_attempt_count
    return message
