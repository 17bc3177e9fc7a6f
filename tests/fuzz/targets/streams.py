"""What providers send: events, answers in three dialects, errors."""

from __future__ import annotations

import math
from collections.abc import Callable

from pydantic import ValidationError

from backends.anthropic_messages import AnthropicMessagesBackend
from backends.errors import BackendError
from backends.http import error_of, retry_after_s
from backends.http_chat import HttpChatBackend
from backends.openai_chat import OpenAIChatBackend
from backends.openai_responses import OpenAIResponsesBackend
from backends.sse import EventParser, EventTooLong
from backends.types import Delta, Message, Prompt, Role, Sampling
from tests.fuzz.target import Target, cut

_PROMPT = Prompt((Message(Role.USER, "hi"),), Sampling(stop=("END",), top_logprob_count=3))
_OPTIONS = {"base_url": "http://127.0.0.1:1/v1", "model": "m"}


def _sse(data: bytes) -> None:
    """However the connection cuts it, the events are the same."""
    whole, pieces = cut(data)
    parser, once = EventParser(max_event_byte_count=1 << 20), EventParser(max_event_byte_count=1 << 20)
    assert [event for piece in pieces for event in parser.feed(piece)] == once.feed(whole)


def _answer(make: Callable[[], HttpChatBackend]) -> Callable[[bytes], None]:  # type: ignore[type-arg]
    """Read ``data`` as the body of an answer."""

    def run(data: bytes) -> None:
        answer = make().new_answer(_PROMPT, 3)
        for event in EventParser(max_event_byte_count=1 << 20).feed(data):
            delta = answer.add(event)
            assert isinstance(delta, Delta)
            assert all(token.logprob <= 0.0 or math.isnan(token.logprob) for token in delta.tokens)
            if answer.is_over:
                break
        assert answer.usage.input_token_count >= 0
        assert answer.usage.output_token_count >= 0

    return run


def _error(data: bytes) -> None:
    """A status, a header and a body become an error that quotes none of them at length."""
    head, _, body = data.partition(b"\n")
    status = int.from_bytes(head[:2].rjust(2, b"\0")) % 600
    error = error_of(status, body, head[2:].decode("latin-1"), "the server")
    assert isinstance(error, BackendError)
    assert len(str(error)) < 400


def _retry_after(data: bytes) -> None:
    wait_s = retry_after_s(data.decode("latin-1"))
    assert wait_s is None or 0.0 <= wait_s <= 86_400.0


_BACKENDS: dict[str, type[HttpChatBackend]] = {  # type: ignore[type-arg]
    "openai_chat": OpenAIChatBackend,
    "openai_responses": OpenAIResponsesBackend,
    "anthropic_messages": AnthropicMessagesBackend,
}


def _made(kind: type[HttpChatBackend]) -> Callable[[], HttpChatBackend]:  # type: ignore[type-arg]
    options = kind.Options.model_validate(_OPTIONS)  # type: ignore[attr-defined]
    return lambda: kind(options)


TARGETS = (
    Target("sse", _sse, (EventTooLong,), b"data: ~\n\n~\r\n~\r~: ~event: ~data"),
    *(
        Target(f"answer_{name}", _answer(_made(kind)), (BackendError, EventTooLong, ValidationError))
        for name, kind in _BACKENDS.items()
    ),
    Target("http_error", _error, (), b'context length~{"error":{"code":"~prompt too long'),
    Target("retry_after", _retry_after, (), b"GMT~+9999~Fri, 31 Dec 9999 23:59:59 GMT"),
)
