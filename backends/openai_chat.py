"""Any server that speaks OpenAI's chat completions API: a frontier model, or one's own vLLM or llama.cpp.

Decides how the seam's rules hold over a connection: the deadline, the stall limit, cancellation by
closing the connection, and honest accounts where the server gives none.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import httpx

from backends.answer_text import AnswerText
from backends.deadline import deadline_after, until
from backends.errors import BackendError, ContextTooLong, TimedOut, Unavailable
from backends.http import check, events, translated
from backends.openai_answer import ChatAnswer, estimated_token_count
from backends.openai_options import OpenAIChatOptions
from backends.openai_wire import DONE, Chunk, request_body, response_format
from backends.types import (
    Capabilities,
    Completion,
    Delta,
    JsonSchemaFormat,
    Message,
    Prompt,
    Role,
    Sampling,
)

# What a chat template adds around a message, roughly.
_TOKENS_PER_MESSAGE = 4
# The API lists no more tokens at a position.
_MAX_TOP_COUNT = 20
# Not every server lists its models.
_NO_MODEL_LIST = (404, 405)


class OpenAIChatBackend:
    """Streams answers from a server; any number at a time, up to ``connection_count``."""

    Options = OpenAIChatOptions

    def __init__(
        self, options: OpenAIChatOptions, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.options = options
        self.capabilities = Capabilities(
            model=options.model,
            context_token_count=options.context_token_count,
            max_output_token_count=options.max_output_token_count,
            logprobs=options.logprobs is True,
            json_schema=options.json_schema is not None,
            external=options.leaves_machine,
        )
        self._server = f"{options.base_url.host}:{options.base_url.port}"
        self._transport = transport
        self._client: httpx.AsyncClient | None = None

    async def start(self) -> None:
        """Open the client, check that the server answers, and find out whether it gives log-probabilities."""
        if self._client is None:
            self._client = self._new_client()
        if self.options.start_check:
            with translated(self._server):
                response = await self._client.get("models")
                if response.status_code not in _NO_MODEL_LIST:
                    await check(response, self._server)
        if self.options.logprobs == "auto":
            self.capabilities = replace(self.capabilities, logprobs=await self._gives_logprobs())

    async def close(self) -> None:
        """Close all connections, and with them all streams."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def count_tokens(self, prompt: Prompt) -> int:
        """Estimated tokens; the server's tokenizer is not at hand."""
        characters = sum(len(message.content) for message in prompt.messages)
        return estimated_token_count(characters) + _TOKENS_PER_MESSAGE * len(prompt.messages)

    def stream(self, prompt: Prompt, *, timeout_s: float | None = None) -> AsyncGenerator[Delta | Completion]:
        """Answer ``prompt`` as the server sends it."""
        return self._answer(prompt, timeout_s, deadline_after(timeout_s))

    async def _answer(
        self, prompt: Prompt, timeout_s: float | None, deadline: float | None
    ) -> AsyncGenerator[Delta | Completion]:
        input_token_count = self.count_tokens(prompt)
        limit = self.options.context_token_count
        if limit is not None and input_token_count >= limit:
            raise ContextTooLong(f"about {input_token_count} tokens do not fit into a context of {limit}")
        text = AnswerText(prompt.sampling.stop, self.options.reasoning_tags)
        answer = ChatAnswer(text, estimated_input_token_count=input_token_count)
        try:
            body = self._body(prompt, logprobs=self.capabilities.logprobs)
            async with aclosing(until(self._deltas(body, answer), deadline)) as deltas:
                async for delta in deltas:
                    yield delta
        except TimeoutError as exc:
            raise TimedOut(
                f"{self._server}: no complete answer in {timeout_s} s", usage=answer.usage
            ) from exc
        except BackendError as exc:
            # A server that breaks off behind the end of its answer has answered.
            if answer.finish_reason is None:
                exc.usage = answer.usage
                raise
        if answer.finish_reason is None:
            raise Unavailable(f"{self._server} ended before the answer was complete", usage=answer.usage)
        yield Completion(answer.finish_reason, answer.usage)

    async def _deltas(self, body: dict[str, Any], answer: ChatAnswer) -> AsyncGenerator[Delta]:
        """Send the request and yield what comes back, until the server ends or a stop string does."""
        if self._client is None:
            raise Unavailable("the backend is not started, or closed")
        with translated(self._server):
            async with self._client.stream("POST", "chat/completions", json=body) as response:
                await check(response, self._server)
                answer.begin()
                async with aclosing(events(response)) as received:
                    async for event in received:
                        done = event.strip() == DONE
                        delta = answer.end() if done else answer.add(Chunk.model_validate_json(event))
                        if delta != Delta():
                            yield delta
                        if done or answer.cut:
                            return

    def _body(self, prompt: Prompt, *, logprobs: bool) -> dict[str, Any]:
        options = self.options
        body = request_body(options.model, prompt)
        limit = options.max_output_token_count
        body[options.output_limit_field] = min(prompt.sampling.max_output_token_count or limit, limit)
        if options.reasoning_tags is not None:
            # The server cannot tell reasoning, where stop strings do not hold; they are cut here.
            body.pop("stop", None)
        if isinstance(prompt.response_format, JsonSchemaFormat) and options.json_schema is not None:
            body["response_format"] = response_format(prompt.response_format.schema, options.json_schema)
        if logprobs:
            count = min(max(prompt.sampling.top_logprob_count, 2), _MAX_TOP_COUNT)
            body |= {"logprobs": True, "top_logprobs": count}
        if options.stream_usage:
            body["stream_options"] = {"include_usage": True}
        return {key: value for key, value in (body | options.extra_body).items() if value is not None}

    async def _gives_logprobs(self) -> bool:
        """Ask for one token with log-probabilities; a server that cannot do it may refuse in any way."""
        prompt = Prompt((Message(Role.USER, "1"),), Sampling(max_output_token_count=1))
        answer = ChatAnswer(AnswerText(()), estimated_input_token_count=1)
        try:
            async with aclosing(self._deltas(self._body(prompt, logprobs=True), answer)) as deltas:
                return any([bool(delta.tokens) async for delta in deltas])
        except BackendError:
            return False

    def _new_client(self) -> httpx.AsyncClient:
        options = self.options
        headers = {name: value.get_secret_value() for name, value in options.headers.items()}
        if options.api_key is not None:
            headers["authorization"] = f"Bearer {options.api_key.get_secret_value()}"
        return httpx.AsyncClient(
            base_url=str(options.base_url),
            headers=headers,
            timeout=httpx.Timeout(options.read_timeout_s, connect=options.connect_timeout_s),
            limits=httpx.Limits(max_connections=options.connection_count),
            transport=self._transport,
            # A proxy of the environment is for what leaves this machine.
            trust_env=self.capabilities.external,
        )
