"""Any server that speaks Anthropic's messages API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import httpx

from backends.answer_text import AnswerText
from backends.anthropic_messages_answer import MessageAnswer
from backends.anthropic_messages_options import AnthropicMessagesOptions
from backends.anthropic_messages_tools import answer_tool, is_result, must_call, tool_fields
from backends.anthropic_messages_wire import VERSION, as_output, request_body, with_thinking
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
        """Make the request.

        A model that is made to use a tool cannot think before; nor one that goes on after a call, for the API
        wants to see what it thought before that, which nobody kept.
        """
        body = request_body(self.options.model, prompt, self.output_limit(prompt))
        form, answer = prompt.response_format, self._answer_tool(prompt)
        tools = tool_fields(prompt, answer)
        body |= tools
        is_asked = answer is None and self.options.json_schema is not None and not must_call(tools)
        if is_asked and isinstance(form, JsonSchemaFormat):
            body |= as_output(dict(form.schema))
        budget = self.options.thinking_token_count
        goes_on = any(is_result(message) for message in prompt.messages[-1:])
        return body if budget is None or must_call(tools) or goes_on else with_thinking(body, budget)

    def new_answer(self, prompt: Prompt, input_token_count: int) -> MessageAnswer:
        """Read a tool's input where that was asked for."""
        return MessageAnswer(
            AnswerText(prompt.sampling.stop),
            estimated_input_token_count=input_token_count,
            answer_tool=self._answer_tool(prompt),
            takes_calls=prompt.tools is not None,
        )

    def _answer_tool(self, prompt: Prompt) -> str | None:
        """The tool whose input is asked for as the answer."""
        return answer_tool(prompt) if self.options.json_schema == "tool" else None
