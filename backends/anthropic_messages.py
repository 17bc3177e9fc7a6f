"""Any server that speaks Anthropic's messages API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import httpx

from backends.answer_text import AnswerText
from backends.anthropic_messages_answer import MessageAnswer
from backends.anthropic_messages_options import AnthropicMessagesOptions
from backends.anthropic_messages_wire import VERSION, as_output, as_tool, request_body, with_thinking
from backends.http_chat import HttpChatBackend
from backends.types import JsonSchemaFormat, Prompt


class AnthropicMessagesBackend(HttpChatBackend[AnthropicMessagesOptions]):
    """Asks for a message as a stream of events. The API gives no log-probabilities."""

    Options = AnthropicMessagesOptions
    path = "messages"
    api_headers: ClassVar[Mapping[str, str]] = {"anthropic-version": VERSION}

    def __init__(
        self, options: AnthropicMessagesOptions, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        super().__init__(options, transport=transport)
        self.capabilities = replace(self.capabilities, json_schema=options.json_schema is not None)

    def key_headers(self, key: str) -> dict[str, str]:
        """Send the key in the API's own header."""
        return {"x-api-key": key}

    def body(self, prompt: Prompt) -> dict[str, Any]:
        """Make the request. A model that is made to use a tool cannot think before."""
        body = request_body(self.options.model, prompt, self.output_limit(prompt))
        form = prompt.response_format
        if self._is_tool(prompt):
            assert isinstance(form, JsonSchemaFormat)
            return body | as_tool(dict(form.schema))
        if isinstance(form, JsonSchemaFormat) and self.options.json_schema is not None:
            body |= as_output(dict(form.schema))
        budget = self.options.thinking_token_count
        return body if budget is None else with_thinking(body, budget)

    def new_answer(self, prompt: Prompt, input_token_count: int) -> MessageAnswer:
        """Read a tool's input where that was asked for."""
        return MessageAnswer(
            AnswerText(prompt.sampling.stop),
            estimated_input_token_count=input_token_count,
            is_tool=self._is_tool(prompt),
        )

    def _is_tool(self, prompt: Prompt) -> bool:
        """Whether a tool's input is asked for, which can only be an object."""
        form = prompt.response_format
        return (
            self.options.json_schema == "tool"
            and isinstance(form, JsonSchemaFormat)
            and form.schema.get("type") == "object"
        )
