"""Any server that speaks OpenAI's chat completions API: a frontier model, or one's own vLLM or llama.cpp."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx

from backends.answer_text import AnswerText
from backends.http_chat import HttpChatBackend
from backends.logprob_probe import gives_logprobs
from backends.openai_chat_answer import ChatAnswer
from backends.openai_chat_options import OpenAIChatOptions
from backends.openai_chat_wire import request_body, response_format
from backends.provider_numbers import asked_logprob_count
from backends.types import JsonSchemaFormat, Prompt


class OpenAIChatBackend(HttpChatBackend[OpenAIChatOptions]):
    """Asks for one choice, as a stream of chunks."""

    Options = OpenAIChatOptions
    path = "chat/completions"

    def __init__(
        self, options: OpenAIChatOptions, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        super().__init__(options, transport=transport)
        self.capabilities = replace(
            self.capabilities, logprobs=options.logprobs is True, json_schema=options.json_schema is not None
        )

    def key_headers(self, key: str) -> dict[str, str]:
        """Send the key as a bearer token."""
        return {"authorization": f"Bearer {key}"}

    def body(self, prompt: Prompt) -> dict[str, Any]:
        """Make the request, in the words that the options say the server knows."""
        options = self.options
        body = request_body(options.model, prompt)
        body[options.output_limit_field] = self.output_limit(prompt)
        if options.reasoning_tags is not None:
            # The server cannot tell reasoning, where stop strings do not hold; they are cut here.
            body.pop("stop", None)
        if isinstance(prompt.response_format, JsonSchemaFormat) and options.json_schema is not None:
            body["response_format"] = response_format(prompt.response_format.schema, options.json_schema)
        if self.capabilities.logprobs:
            body |= {"logprobs": True, "top_logprobs": asked_logprob_count(prompt.sampling)}
        if options.stream_usage:
            body["stream_options"] = {"include_usage": True}
        return body

    def new_answer(self, prompt: Prompt, input_token_count: int) -> ChatAnswer:
        """Cut stop strings and split off reasoning here too, for servers that do not."""
        return ChatAnswer(
            AnswerText(prompt.sampling.stop, self.options.reasoning_tags),
            estimated_input_token_count=input_token_count,
            top_logprob_count=prompt.sampling.top_logprob_count,
            takes_calls=prompt.tools is not None,
        )

    async def _probe(self) -> None:
        if self.options.logprobs == "auto":
            self.capabilities = replace(self.capabilities, logprobs=True)
            self.capabilities = replace(self.capabilities, logprobs=await gives_logprobs(self))
