"""What is no model's API: decisions, feedback, health, the names that may be asked for."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from upshift.v1 import router_pb2

from router.gateway.body import Part, dump, read
from router.gateway.exchange import Exchange
from router.gateway.house import House
from router.gateway.openai.chat_body import ChatBody
from router.gateway.problem import NotFound
from router.gateway.running import requests
from router.gateway.wishes import AUTO, POLICY_PREFIX
from router.grounds import decision_object
from router.rpc.rules import check_feedback
from router.rpc.seam import Call

_OWNER = "upshift"


class FeedbackBody(Part):
    """How good an earlier answer was."""

    request_id: Annotated[str, Field(min_length=1, max_length=128)]
    """What the answer's `x-upshift-request-id` says."""
    score: float
    """From 0, useless, to 1, fully acceptable."""
    source: Annotated[str, Field(min_length=1, max_length=128)]
    """Where the score comes from, such as `user`; a second one from the same source replaces the first."""


class Plain:
    """Answers them all; each method is one address."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def decide(self, raw: bytes, call: Call, exchange: Exchange) -> None:
        """Say what would be decided for the body of a chat completion; no model runs."""
        (request,) = requests([read(ChatBody, raw).asking(exchange.headers)], call, self._house)
        await exchange.reply(200, dump(decision_object(self._house.core.decide(request))))

    async def feedback(self, raw: bytes, call: Call, exchange: Exchange) -> None:
        """Record how good an answer was; callers know the requests of their own tenants only."""
        body = read(FeedbackBody, raw)
        check_feedback(router_pb2.SubmitFeedbackRequest(**body.model_dump()))
        replaced = await self._house.core.feedback(
            body.request_id, body.score, body.source, tenants=call.tenants()
        )
        await exchange.reply(200, dump({"replaced": replaced}))

    async def models(self, _: bytes, __: Call, exchange: Exchange) -> None:
        """List everything that `model` may be."""
        await exchange.reply(200, dump({"object": "list", "data": self._models()}))

    async def model(self, _: bytes, __: Call, exchange: Exchange) -> None:
        """Describe one of them."""
        name = exchange.parameters["model"]
        for model in self._models():
            if model["id"] == name:
                await exchange.reply(200, dump(model))
                return
        raise NotFound(f"no model is called {name[:64]!r}; GET /v1/models lists them")

    async def healthy(self, _: bytes, __: Call, exchange: Exchange) -> None:
        """Say that the server runs."""
        await exchange.reply(200, dump({"status": "ok"}))

    async def ready(self, _: bytes, __: Call, exchange: Exchange) -> None:
        """Say whether it wants requests: it does while any tier is ready, and not while it drains."""
        is_ready = any(tier.ready for tier in self._house.core.tiers())
        await exchange.reply(200 if is_ready else 503, dump({"ready": is_ready}))

    def _models(self) -> list[dict[str, object]]:
        core = self._house.core
        routed = [AUTO, *sorted(POLICY_PREFIX + name for name in core.policy_names())]
        return [_model(name, "router") for name in routed] + [
            _model(tier.name, "tier", tier.context_token_count) for tier in core.tiers()
        ]


def _model(name: str, kind: str, context_token_count: int | None = None) -> dict[str, object]:
    """As OpenAI describes a model; ``created`` means nothing here."""
    found: dict[str, object] = {"id": name, "object": "model", "created": 0, "owned_by": _OWNER, "kind": kind}
    if context_token_count is not None:
        found["context_length"] = context_token_count
    return found
