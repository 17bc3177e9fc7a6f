"""``GET /openapi.json``: the addresses and bodies of the gateway, as OpenAPI 3.1.

Made from the very models that bodies are read by. Answers are described as far as clients rely on them.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from pydantic.json_schema import models_json_schema

from router.gateway.anthropic.body import CountBody, MessagesBody
from router.gateway.body import Part, dump
from router.gateway.exchange import Exchange
from router.gateway.openai.chat_body import ChatBody
from router.gateway.openai.embeddings_body import EmbeddingsBody
from router.gateway.openai.responses_body import ResponsesBody
from router.gateway.plain import FeedbackBody
from router.rpc.seam import Call

_REF = "#/components/schemas/{model}"
_BODIES: dict[str, tuple[type[Part], str]] = {
    "/v1/chat/completions": (ChatBody, "Answer a conversation, as OpenAI's chat completions"),
    "/v1/responses": (ResponsesBody, "Answer a conversation, as OpenAI's responses"),
    "/v1/messages": (MessagesBody, "Answer a conversation, as Anthropic's messages"),
    "/v1/messages/count_tokens": (CountBody, "Count tokens, as the tier that would be tried first does"),
    "/v1/embeddings": (EmbeddingsBody, "Turn texts into vectors, as OpenAI's embeddings"),
    "/v1/decide": (ChatBody, "Say what would be decided for a chat completion; no model runs"),
    "/v1/feedback": (FeedbackBody, "Record how good an earlier answer was"),
}
_STREAMED = ("/v1/chat/completions", "/v1/responses", "/v1/messages")
_READ = {
    "/v1/models": "List everything that `model` may be",
    "/healthz": "Say that the server runs",
    "/readyz": "Say whether it wants requests",
    "/openapi.json": "This document",
}
# What any call may end in, beside what went well.
_ENDS = {
    "400": "Something in it is wrong, or no tier may serve it",
    "401": "It comes without a key, or with one that is not known",
    "403": "Its key does not allow it",
    "404": "No such model",
    "408": "Its body did not come in time",
    "413": "Its body is too large",
    "429": "A limit, a budget or a queue is at its end; `retry-after` says when to come back",
    "500": "Something unforeseen",
    "503": "No tier is ready",
    "504": "Its time ran out",
    "529": "No tier is ready, as Anthropic's clients know it",
}


class Document:
    """Answers with the document, which is made once."""

    def __init__(self) -> None:
        self._body = dump(document())

    async def __call__(self, _: bytes, __: Call, exchange: Exchange) -> None:
        """Send it."""
        await exchange.reply(200, self._body)


def document() -> dict[str, Any]:
    """The document."""
    kinds = {kind for kind, _ in _BODIES.values()}
    models = sorted(((kind, "validation") for kind in kinds), key=lambda pair: pair[0].__name__)
    references, definitions = models_json_schema(models, ref_template=_REF)  # type: ignore[arg-type]
    posts = {
        path: {"post": _post(path, references[kind, "validation"], said)}
        for path, (kind, said) in _BODIES.items()
    }
    gets = {path: {"get": _get(said)} for path, said in _READ.items()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Upshift", "version": version("upshift")},
        "paths": {**posts, **gets, "/v1/models/{model}": {"get": _get_model()}},
        "components": {
            "schemas": definitions["$defs"],
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"key": []}, {}],
    }


def _post(path: str, reference: dict[str, Any], said: str) -> dict[str, Any]:
    content: dict[str, Any] = {"application/json": {"schema": {"type": "object"}}}
    if path in _STREAMED:
        content["text/event-stream"] = {"schema": {"type": "string"}}
    return {
        "summary": said,
        "requestBody": {"required": True, "content": {"application/json": {"schema": reference}}},
        "responses": {"200": {"description": "It went well", "content": content}, **_ended()},
    }


def _get(said: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"type": "object"}}}
    return {
        "summary": said,
        "responses": {"200": {"description": "It went well", "content": content}, **_ended()},
    }


def _get_model() -> dict[str, Any]:
    name = {"name": "model", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    return _get("Describe one of them") | {"parameters": [name]}


def _ended() -> dict[str, Any]:
    content = {"application/json": {"schema": {"type": "object"}}}
    return {status: {"description": said, "content": content} for status, said in _ENDS.items()}
