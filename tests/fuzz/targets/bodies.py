"""What comes over HTTP: bodies in three dialects, and keys."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from router.errors import RoutingError, Unauthenticated
from router.gateway.anthropic.body import MessagesBody
from router.gateway.body import read
from router.gateway.openai.chat_body import ChatBody
from router.gateway.openai.responses_body import ResponsesBody
from router.rpc.rules import Known
from router.rpc.seam import Call
from router.rpc.wire import core_request
from router.tenants.keys import authenticate, mint
from tests.fuzz.target import Target

_KNOWN = Known(frozenset({"edge", "frontier"}), frozenset({"default"}))
_CALL = Call("fuzz", 5.0)
_KEY, _ = mint(tenants=("acme",), scopes=frozenset(), now_s=0.0)
_WORDS = (
    b'"model":"auto"~"messages":[~"role":"user"~"content":~"tools":[~"tool_choice":~"response_format":~'
    b'"json_schema":~"image_url":{"url":"data:image/png;base64,~"n":3~"stop":[~"upshift":{~"input":[~'
    b'"max_tokens":1~"system":~"tool_calls":[~"function":{"name":"f","arguments":"{}"}'
)


def _asked(kind: type[ChatBody | ResponsesBody | MessagesBody]) -> Callable[[bytes], None]:
    """What is taken becomes a request of the core's, as the gateway makes it."""

    def run(data: bytes) -> None:
        core_request(read(kind, data).asking({}), _CALL, _KNOWN)

    return run


def _key(data: bytes) -> None:
    """No bytes but a key's own are let in, and those are made anew for every run."""
    with suppress(Unauthenticated):
        authenticate(data.decode("latin-1"), {_KEY.id: _KEY}, 1.0)
        raise AssertionError("a made-up key was let in")


TARGETS = (
    Target("chat_body", _asked(ChatBody), (RoutingError,), _WORDS),
    Target("responses_body", _asked(ResponsesBody), (RoutingError,), _WORDS),
    Target("messages_body", _asked(MessagesBody), (RoutingError,), _WORDS),
    Target("key", _key, (), b"upk_~0123456789ab~_~Bearer "),
)
