"""What the configuration of an OpenAI-compatible backend may hold."""

from __future__ import annotations

import ipaddress
from typing import Any, Literal

from pydantic import AnyHttpUrl, BaseModel, ConfigDict, Field, SecretStr, field_validator

from backends.openai_wire import SchemaForm
from backends.reasoning import ReasoningTags


class OpenAIChatOptions(BaseModel):
    """Which server and model, and what that server can do."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: AnyHttpUrl = Field(
        description="Address up to and without /chat/completions, such as https://host/v1."
    )
    model: str = Field(min_length=1, description="The model's name there.")
    api_key: SecretStr | None = Field(default=None, description="Sent as a bearer token; unset: none.")
    headers: dict[str, SecretStr] = Field(default={}, description="Further headers of every request.")
    extra_body: dict[str, Any] = Field(
        default={}, repr=False, description="Further fields of every request; they win, and null removes one."
    )
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
    connect_timeout_s: float = Field(default=5.0, gt=0, description="Longest wait for a connection.")
    read_timeout_s: float = Field(default=60.0, gt=0, description="Longest silence before it counts as dead.")
    connection_count: int = Field(default=100, ge=1, description="Most connections at a time.")
    context_token_count: int | None = Field(
        default=None, ge=1, description="Most tokens of prompt and answer together; unset: not known."
    )
    max_output_token_count: int = Field(
        default=1024, ge=1, description="Most tokens of an answer, reasoning included."
    )
    reasoning_tags: ReasoningTags | None = Field(
        default=None, description='Tags around reasoning within the text, such as ["<think>", "</think>"].'
    )
    external: bool | None = Field(
        default=None, description="Whether prompts leave this machine; unset: unless the address is loopback."
    )
    start_check: bool = Field(default=True, description="Whether to ask for the list of models at start.")

    @field_validator("base_url")
    @classmethod
    def _refuse_credentials(cls, url: AnyHttpUrl) -> AnyHttpUrl:
        # httpx logs addresses as they are.
        if url.username or url.password:
            raise ValueError(
                "must hold no name and no password, which logs would show; use api_key or headers"
            )
        return url

    @property
    def leaves_machine(self) -> bool:
        """Whether prompts leave this machine."""
        return not _is_loopback(self.base_url) if self.external is None else self.external


def _is_loopback(url: AnyHttpUrl) -> bool:
    host = (url.host or "").strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
