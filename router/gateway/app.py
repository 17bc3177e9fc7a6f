"""The addresses of the gateway: which path is answered by whom, and by which keys."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp

from router.gateway.anthropic.count import CountTokens
from router.gateway.anthropic.dialect import Anthropic
from router.gateway.anthropic.messages import Messages
from router.gateway.dialect import Dialect
from router.gateway.endpoint import Endpoint, Work
from router.gateway.exchange import Exchange
from router.gateway.house import House
from router.gateway.openai.chat import ChatCompletions
from router.gateway.openai.dialect import OpenAI
from router.gateway.openai.embeddings import Embeddings
from router.gateway.openai.responses import Responses
from router.gateway.openapi import Document
from router.gateway.plain import Plain
from router.gateway.problem import NotFound
from router.rpc.seam import Call
from router.tenants.principal import Scope as KeyScope

METHODS = (
    "ChatCompletions",
    "Responses",
    "Messages",
    "CountTokens",
    "Embeddings",
    "HttpDecide",
    "HttpFeedback",
    "ListModels",
    "GetModel",
)


def application(house: House, mounts: Sequence[BaseRoute] = ()) -> ASGIApp:
    """Everything that is served over HTTP; ``mounts`` are further applications under paths of their own."""
    plain, openai = Plain(house), OpenAI()

    def route(
        path: str, method: str, name: str, scope: KeyScope | None, work: Work, dialect: Dialect = openai
    ) -> Route:
        return Route(path, Endpoint(name, scope, dialect, work, house), methods=[method])

    generate = KeyScope.GENERATE
    routes: list[BaseRoute] = [
        route("/v1/chat/completions", "POST", "ChatCompletions", generate, ChatCompletions(house)),
        route("/v1/responses", "POST", "Responses", generate, Responses(house)),
        route("/v1/messages", "POST", "Messages", generate, Messages(house), Anthropic()),
        route("/v1/messages/count_tokens", "POST", "CountTokens", generate, CountTokens(house), Anthropic()),
        route("/v1/embeddings", "POST", "Embeddings", generate, Embeddings(house)),
        route("/v1/decide", "POST", "HttpDecide", KeyScope.DECIDE, plain.decide),
        route("/v1/feedback", "POST", "HttpFeedback", KeyScope.FEEDBACK, plain.feedback),
        route("/v1/models", "GET", "ListModels", KeyScope.LIST, plain.models),
        route("/v1/models/{model:path}", "GET", "GetModel", KeyScope.LIST, plain.model),
        route("/healthz", "GET", "Health", None, plain.healthy),
        route("/readyz", "GET", "Ready", None, plain.ready),
        route("/openapi.json", "GET", "OpenApi", None, Document()),
        *mounts,
    ]
    return Router(routes, redirect_slashes=False, default=Endpoint("Unknown", None, openai, _nowhere, house))


async def _nowhere(_: bytes, __: Call, exchange: Exchange) -> None:
    raise NotFound(f"nothing is served under {exchange.path[:100]!r}; GET /openapi.json lists what is")
