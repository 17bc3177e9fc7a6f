"""What the configuration of a backend for the messages API may hold beyond what all HTTP backends do."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from backends.http_options import HttpOptions


class AnthropicMessagesOptions(HttpOptions):
    """Which server and model, and what that model can do."""

    json_schema: Literal["tool", "output_config"] | None = Field(
        default="tool",
        description="How a JSON Schema is asked for: as a tool's input, which takes any schema of an object, "
        "or as output_config, which newer models have and which refuses some schemas; null: it is not.",
    )
    thinking_token_count: int | None = Field(
        default=None, ge=1024, description="Most tokens to think before the answer; unset: it does not."
    )
