"""What the configuration of a backend for the responses API may hold beyond what all HTTP backends do."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from backends.http_options import HttpOptions


class OpenAIResponsesOptions(HttpOptions):
    """Which server and model, and what that model can do."""

    logprobs: bool | Literal["auto"] = Field(
        default="auto", description="Whether it gives log-probabilities; auto: asks for one token at start."
    )
    json_schema: bool = Field(default=True, description="Whether it is asked to keep to a JSON Schema.")
    min_output_token_count: int = Field(
        default=16, ge=1, description="Least limit that the server takes; a smaller one is raised to it."
    )
