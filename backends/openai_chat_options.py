"""What the configuration of an OpenAI-compatible backend may hold beyond what all HTTP backends do."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from backends.http_options import HttpOptions
from backends.openai_chat_wire import SchemaForm
from backends.reasoning import ReasoningTags


class OpenAIChatOptions(HttpOptions):
    """Which server and model, and what that server can do."""

    output_limit_field: Literal["max_tokens", "max_completion_tokens"] = Field(
        default="max_tokens", description="What the server calls the most tokens to generate."
    )
    logprobs: bool | Literal["auto"] = Field(
        default="auto", description="Whether it gives log-probabilities; auto: asks for one token at start."
    )
    json_schema: SchemaForm | None = Field(
        default="json_schema", description="How it is asked for a JSON Schema; null: it is not."
    )
    stream_usage: bool = Field(
        default=True, description="Whether to ask for token counts; else they are estimated."
    )
    reasoning_tags: ReasoningTags | None = Field(
        default=None, description='Tags around reasoning within the text, such as ["<think>", "</think>"].'
    )
