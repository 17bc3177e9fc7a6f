"""What is the same for every chat API over HTTP: one request, and an answer that comes as events.

Decides how the seam's rules hold over a connection: the deadline, the stall limit, cancellation by
closing the connection, and honest accounts where the server gives none. Knows no API; one subclass for
each says what is sent and how an answer is read.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from typing import Any, ClassVar, Generic, TypeVar

import httpx
from pydantic import ValidationError

from backends.api_key import ApiKey
from backends.deadline import deadline_after, until
from backends.errors import BackendError, ContextTooLong, Refused, TimedOut, Unavailable
from backends.http import check, check_events, events, translated
from backends.http_client import HttpClient, open_client
from backends.http_options import HttpOptions
from backends.http_post import HttpxReply
from backends.joined import Joined
from backends.prompt_size import character_count
from backends.streamed_answer import StreamedAnswer, estimated_token_count
from backends.trace_headers import trace_headers
from backends.types import Capabilities, Completion, Delta, Prompt

OptionsT = TypeVar("OptionsT", bound=HttpOptions)

# What a chat template adds around a message, roughly.
_TOKENS_PER_MESSAGE = 4
# A picture of a megapixel, as the large providers' own rules count it (765 to 1,600).
_TOKENS_PER_IMAGE = 1600
# Not every server lists its models.
_NO_MODEL_LIST = (404, 405)
# A token with the 20 most probable ones and their bytes takes 3 KiB in the wordiest of these APIs.
_BYTES_PER_TOKEN, _MIN_BYTE_COUNT, _MIN_EVENT_BYTE_COUNT = 4096, 4 << 20, 1 << 20
# A server that is done ends its response in the same packet or the next; only then can the connection
# serve again.
_END_WAIT_S = 0.02


class HttpChatBackend(ABC, Generic[OptionsT]):
    """Streams answers from a server; any number at a time, up to ``connection_count``.

    ``transport`` None: the fastest that is installed.
    """

    path: ClassVar[str]
    """Where requests go, below ``base_url``."""
    api_headers: ClassVar[Mapping[str, str]] = {}
    """What the API wants in every request; headers of the options win."""
    repeat_count: ClassVar[int] = 0
    """How often the events at the end repeat the whole answer."""

    def __init__(self, options: OptionsT, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.options = options
        self.capabilities = Capabilities(
            model=options.model,
            context_token_count=options.context_token_count,
            max_output_token_count=options.max_output_token_count,
            external=options.leaves_machine,
            images=options.images,
            tools=options.tools,
        )
        self._server = f"{options.base_url.host}:{options.base_url.port}"
        self._key = ApiKey(options.api_key, options.api_key_file)
        self._transport = transport
        self._client: HttpClient | None = None

    @abstractmethod
    def key_headers(self, key: str) -> dict[str, str]:
        """Make the headers that carry ``key``."""

    @abstractmethod
    def body(self, prompt: Prompt) -> dict[str, Any]:
        """Make the request; ``extra_body`` is added later."""

    @abstractmethod
    def new_answer(self, prompt: Prompt, input_token_count: int) -> StreamedAnswer:
        """Make the account of an answer to ``prompt``, of an estimated ``input_token_count``."""

    async def start(self) -> None:
        """Open the client and check that the server answers, and what it can do."""
        if self._client is None:
            self._client = open_client(self.options, self.path, self._headers, self._transport)
        limit_s = self.options.start_timeout_s
        try:
            async with asyncio.timeout(limit_s):
                if self.options.start_check:
                    await self._list_models(self._client.client)
                await self._probe()
        except TimeoutError as exc:
            raise TimedOut(f"{self._server}: the checks at start are not done after {limit_s} s") from exc

    async def close(self) -> None:
        """Close all connections, and with them all streams."""
        client, self._client = self._client, None
        if client is not None:
            await client.client.aclose()

    def count_tokens(self, prompt: Prompt) -> int:
        """Estimated tokens; the server's tokenizer is not at hand."""
        pictures = _TOKENS_PER_IMAGE * prompt.image_count
        return (
            estimated_token_count(character_count(prompt))
            + pictures
            + _TOKENS_PER_MESSAGE * len(prompt.messages)
        )

    def stream(self, prompt: Prompt, *, timeout_s: float | None = None) -> AsyncGenerator[Delta | Completion]:
        """Answer ``prompt`` as the server sends it."""
        return self._answer(prompt, timeout_s, deadline_after(timeout_s))

    def output_limit(self, prompt: Prompt) -> int:
        """Most tokens that the answer to ``prompt`` may have."""
        limit = self.options.max_output_token_count
        return min(prompt.sampling.max_output_token_count or limit, limit)

    async def _probe(self) -> None:
        """Find out what the server can do, where it does not say; sets ``capabilities``."""

    async def _answer(
        self, prompt: Prompt, timeout_s: float | None, deadline: float | None
    ) -> AsyncGenerator[Delta | Completion]:
        answer = self.new_answer(prompt, self._fitting_token_count(prompt))
        try:
            async with aclosing(until(self.deltas(prompt, answer), deadline)) as deltas:
                async for delta in deltas:
                    yield delta
        except TimeoutError as exc:
            if not answer.is_over:
                said = f"{self._server}: no complete answer in {timeout_s} s"
                raise TimedOut(said, usage=answer.usage) from exc
        except BackendError as exc:
            # A server that breaks off behind the end of its answer, or of its refusal, has answered.
            if answer.finish_reason is None and answer.refusal is None:
                exc.usage = answer.usage
                raise
        if answer.refusal is not None:
            raise Refused(f"{self._server}: {answer.refusal}", usage=answer.usage)
        if answer.finish_reason is None:
            raise Unavailable(f"{self._server} ended before the answer was complete", usage=answer.usage)
        yield Completion(answer.finish_reason, answer.usage, stop_sequence=answer.stop_sequence)

    async def deltas(self, prompt: Prompt, answer: StreamedAnswer) -> AsyncGenerator[Delta]:
        """Send the request and yield what comes back, until the server ends or a stop string does."""
        if self._client is None:
            raise Unavailable("the backend is not started, or closed")
        body = {
            key: value
            for key, value in (self.body(prompt) | self.options.extra_body).items()
            if value is not None
        }
        byte_count = _BYTES_PER_TOKEN * self.output_limit(prompt)
        limits = {
            "max_byte_count": _MIN_BYTE_COUNT + byte_count * (1 + self.repeat_count),
            "max_event_byte_count": _MIN_EVENT_BYTE_COUNT + byte_count * bool(self.repeat_count),
        }
        with translated(self._server):
            headers = trace_headers(prompt.terms)
            async with self._client.post(body, headers) as response:
                await check(response, self._server)
                check_events(response, self._server)
                answer.begin()
                was_heard = False
                joined = Joined()
                async with aclosing(events(response, **limits)) as received:
                    async for together in received:
                        try:
                            for event in together:
                                joined.add(answer.add(event))
                                if answer.is_over or answer.cut:
                                    break
                        except (BackendError, ValidationError):
                            if joined:
                                yield joined.take()
                            raise
                        # The first piece of a call tells nothing yet but that the server answers.
                        if joined or answer.has_spoken is not was_heard:
                            was_heard = answer.has_spoken
                            yield joined.take()
                        if answer.is_over or answer.cut:
                            break
                    if answer.is_over and not response.is_read:
                        await _see_the_end(received)

    def _fitting_token_count(self, prompt: Prompt) -> int:
        count = self.count_tokens(prompt)
        limit = self.options.context_token_count
        if limit is not None and count >= limit:
            raise ContextTooLong(f"about {count} tokens do not fit into a context of {limit}")
        return count

    async def _list_models(self, client: httpx.AsyncClient) -> None:
        with translated(self._server):
            async with client.stream("GET", "models") as response:
                if response.status_code not in _NO_MODEL_LIST:
                    await check(HttpxReply(response), self._server)

    def _headers(self) -> dict[str, str]:
        headers = {name.lower(): value.get_secret_value() for name, value in self.options.headers.items()}
        key = self._key.current()
        return {**self.api_headers, **({} if key is None else self.key_headers(key)), **headers}


async def _see_the_end(received: AsyncGenerator[list[str]]) -> None:
    """Read on to where the response ends, so that its connection can serve again; else it is closed."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_END_WAIT_S):
            async for _ in received:
                pass
