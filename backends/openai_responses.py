"""Any server that speaks OpenAI's responses API."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import httpx

from backends.answer_text import AnswerText
from backends.http_chat import HttpChatBackend
from backends.logprob_probe import gives_logprobs
from backends.openai_responses_answer import ResponseAnswer
from backends.openai_responses_options import OpenAIResponsesOptions
from backends.openai_responses_wire import request_body, text_format, with_logprobs
from backends.provider_numbers import asked_logprob_count
from backends.types import JsonSchemaFormat, Prompt


class OpenAIResponsesBackend(HttpChatBackend[OpenAIResponsesOptions]):
    """Asks for a response as a stream of events, and for nothing to be kept."""

    Options = OpenAIResponsesOptions
    path = "responses"
    # The text, its part, its item and the response are each given once more when they are done.
    repeat_count: ClassVar[int] = 4

    def __init__(
        self, options: OpenAIResponsesOptions, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        super().__init__(options, transport=transport)
        self.capabilities = replace(
            self.capabilities, logprobs=options.logprobs is True, json_schema=options.json_schema
        )

    def key_headers(self, key: str) -> dict[str, str]:
        """Send the key as a bearer token."""
        return {"authorization": f"Bearer {key}"}

    def body(self, prompt: Prompt) -> dict[str, Any]:
        """Make the request."""
        limit = max(self.output_limit(prompt), self.options.min_output_token_count)
        body = request_body(self.options.model, prompt, limit)
        if isinstance(prompt.response_format, JsonSchemaFormat) and self.options.json_schema:
            body |= text_format(prompt.response_format.schema)
        if self.capabilities.logprobs:
            body |= with_logprobs(asked_logprob_count(prompt.sampling))
        return body

    def new_answer(self, prompt: Prompt, input_token_count: int) -> ResponseAnswer:
        """Cut stop strings here, which the API does not know."""
        return ResponseAnswer(
            AnswerText(prompt.sampling.stop),
            estimated_input_token_count=input_token_count,
            top_logprob_count=prompt.sampling.top_logprob_count,
            takes_calls=prompt.tools is not None,
        )

    async def _probe(self) -> None:
        if self.options.logprobs == "auto":
            self.capabilities = replace(self.capabilities, logprobs=True)
            self.capabilities = replace(self.capabilities, logprobs=await gives_logprobs(self))
