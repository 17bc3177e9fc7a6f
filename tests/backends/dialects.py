"""Every chat API over HTTP, as the bytes that its servers send: what the tests of all of them share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from backends.anthropic_messages import AnthropicMessagesBackend
from backends.base import Backend as AnyBackend
from backends.http_chat import HttpChatBackend
from backends.http_transport import TRANSPORTS, fastest_transport
from backends.openai_chat import OpenAIChatBackend
from backends.openai_responses import OpenAIResponsesBackend
from backends.types import Completion, Delta, Message, Prompt, Role
from tests import chat_server, messages_server, responses_server
from tests.chat_server import STREAM_HEAD, Script, serve

PROMPT = Prompt((Message(Role.USER, "a secret prompt"),))
Backend = HttpChatBackend[Any]


@dataclass(frozen=True, slots=True)
class Dialect:
    """An API: its backend, and how its servers begin, write and end an answer."""

    backend: Callable[..., Backend]
    begin: bytes
    text: Callable[[str], bytes]
    end: Callable[[int], bytes]
    """Ends an answer of so many tokens."""
    options: dict[str, Any]

    def answer(self, *pieces: str) -> bytes:
        """A whole answer of ``pieces``."""
        return self.begin + b"".join(map(self.text, pieces)) + self.end(len(pieces))


def _chat_end(count: int) -> bytes:
    return chat_server.event(finish="stop") + chat_server.usage(5, count) + b"data: [DONE]\n\n"


DIALECTS = {
    "openai_chat": Dialect(OpenAIChatBackend, b"", chat_server.event, _chat_end, {"logprobs": False}),
    "anthropic_messages": Dialect(
        AnthropicMessagesBackend,
        messages_server.start(),
        messages_server.text,
        lambda count: messages_server.end(output_tokens=count),
        {},
    ),
    "openai_responses": Dialect(
        OpenAIResponsesBackend,
        responses_server.event("response.created", response={"status": "in_progress"}),
        responses_server.text,
        lambda count: responses_server.end(output_tokens=count),
        {"logprobs": False},
    ),
}


@asynccontextmanager
async def connected(name: str, script: Script, **options: Any) -> AsyncIterator[Backend]:
    """A started backend of the API called ``name``, on a server that runs ``script``.

    The transport may be named behind a plus, as in ``openai_chat+httpx``.
    """
    name, _, transport = name.partition("+")
    dialect = DIALECTS[name]
    make = TRANSPORTS[transport] if transport else fastest_transport
    carrier = make(httpx.create_ssl_context(), httpx.Limits())
    async with serve(script) as url:
        settings = {"base_url": url, "model": "m", "start_check": False, "read_timeout_s": 0.2}
        checked = dialect.backend.Options(**settings | dialect.options | options)  # type: ignore[attr-defined]
        backend = dialect.backend(checked, transport=carrier)
        try:
            await backend.start()
            yield backend
        finally:
            await backend.close()


async def read(
    backend: AnyBackend, prompt: Prompt = PROMPT, timeout_s: float | None = 5.0
) -> list[Delta | Completion]:
    """All that comes."""
    return [item async for item in backend.stream(prompt, timeout_s=timeout_s)]


def text_of(items: list[Delta | Completion]) -> str:
    """The answer, which a Completion must end."""
    assert isinstance(items[-1], Completion)
    return "".join(item.text for item in items if isinstance(item, Delta))


def sends(*pieces: bytes) -> Script:
    """A server that sends ``pieces`` below the head of a stream, and closes."""

    async def script(_: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        writer.write(b"".join((STREAM_HEAD, *pieces)))

    return script
