"""The router's calls, one short method each.

Decides how a call becomes a question to the core and how its events become messages; the unary
call is a fold over the same events as the stream. Refuses to know gRPC (``edge`` does), rules
(``rules``) and models.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from upshift.v1 import router_pb2

from router.events import Event, Result
from router.request import Request
from router.rpc.certificates import certificate_message
from router.rpc.coalesce import coalesced
from router.rpc.rules import MAX_TEXT_BYTE_COUNT, Asking, Known, check_feedback, check_page
from router.rpc.seam import Call, Core
from router.rpc.wire import core_request, decision_message, event_message, result_message, tier_message

DEFAULT_PAGE_SIZE = 100


class RouterService:
    """``upshift.v1.RouterService`` over a router.

    Methods raise RoutingError; cancelling them stops the model.
    """

    def __init__(self, core: Core, *, max_text_byte_count: int = MAX_TEXT_BYTE_COUNT) -> None:
        self._core = core
        self._max_text_byte_count = max_text_byte_count

    async def generate(self, message: router_pb2.GenerateRequest, call: Call) -> router_pb2.GenerateResponse:
        """Answer all at once."""
        result: Event | None = None
        async with aclosing(self._core.run(self._request(message, call))) as events:
            async for event in events:
                result = event
        if not isinstance(result, Result):
            raise RuntimeError("the router's events ended without a result")
        return router_pb2.GenerateResponse(result=result_message(result))

    async def stream_generate(
        self, message: router_pb2.StreamGenerateRequest, call: Call
    ) -> AsyncGenerator[router_pb2.StreamGenerateResponse]:
        """Answer event by event."""
        async with aclosing(coalesced(self._core.run(self._request(message, call)))) as events:
            async for event in events:
                yield event_message(event)

    async def decide(self, message: router_pb2.DecideRequest, call: Call) -> router_pb2.DecideResponse:
        """Say what would be decided; nothing runs."""
        decided = self._core.decide(self._request(message, call))
        return router_pb2.DecideResponse(decision=decision_message(decided))

    async def submit_feedback(
        self, message: router_pb2.SubmitFeedbackRequest, call: Call
    ) -> router_pb2.SubmitFeedbackResponse:
        """Record how good an answer was; callers know the requests of their own tenants only."""
        check_feedback(message)
        replaced = await self._core.feedback(
            message.request_id, message.score, message.source, tenants=call.tenants()
        )
        return router_pb2.SubmitFeedbackResponse(replaced=replaced)

    async def list_tiers(self, message: router_pb2.ListTiersRequest, _: Call) -> router_pb2.ListTiersResponse:
        """List a page of the tiers; a page token is the name of the page's first tier."""
        tiers = self._core.tiers()
        names = tuple(tier.name for tier in tiers)
        check_page(message, names)
        start = names.index(message.page_token) if message.page_token else 0
        end = start + (message.page_size or DEFAULT_PAGE_SIZE)
        return router_pb2.ListTiersResponse(
            tiers=[tier_message(tier) for tier in tiers[start:end]],
            next_page_token=names[end] if end < len(names) else "",
            certificates=map(certificate_message, () if start else self._core.certificates()),
        )

    def _request(self, message: Asking, call: Call) -> Request:
        core = self._core
        known = Known(core.tier_names(), core.policy_names(), self._max_text_byte_count)
        return core_request(message, call, known)
