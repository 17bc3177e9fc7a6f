"""What the configuration of every HTTP backend may hold."""

from __future__ import annotations

from typing import Any, Self

from pydantic import (
    AnyHttpUrl,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    SecretStr,
    field_validator,
    model_validator,
)

from backends.addresses import is_loopback

PATH: dict[str, JsonValue] = {"format": "path"}


class HttpOptions(BaseModel):
    """Which server and model, how it knows us, and how long it may take."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    base_url: AnyHttpUrl = Field(description="Address of the API, such as https://host/v1.")
    model: str = Field(min_length=1, description="The model's name there.")
    api_key: SecretStr | None = Field(default=None, description="The key, as ${VARIABLE}; unset: none.")
    api_key_file: str | None = Field(
        default=None,
        json_schema_extra=PATH,
        description="File that holds the key, read again when it changes; instead of api_key.",
    )
    headers: dict[str, SecretStr] = Field(default={}, description="Further headers of every request.")
    extra_body: dict[str, Any] = Field(
        default={}, repr=False, description="Further fields of every request; they win, and null removes one."
    )
    connect_timeout_s: float = Field(default=5.0, gt=0, description="Longest wait for a connection.")
    read_timeout_s: float = Field(default=60.0, gt=0, description="Longest silence before it counts as dead.")
    start_timeout_s: float = Field(default=60.0, gt=0, description="Longest that the checks at start take.")
    connection_count: int = Field(default=100, ge=1, description="Most connections at a time.")
    context_token_count: int | None = Field(
        default=None, ge=1, description="Most tokens of prompt and answer together; unset: not known."
    )
    max_output_token_count: int = Field(
        default=1024, ge=1, description="Most tokens of an answer, reasoning included."
    )
    images: bool = Field(default=False, description="Whether the model takes pictures beside text.")
    tools: bool = Field(default=True, description="Whether the model can be given tools to call.")
    external: bool | None = Field(
        default=None,
        description="Whether prompts leave this machine; unset: unless at a loopback address, unproxied.",
    )
    start_check: bool = Field(default=True, description="Whether to ask for the list of models at start.")
    ca_file: str | None = Field(
        default=None,
        json_schema_extra=PATH,
        description="PEM file of the authorities to trust; unset: certifi's list.",
    )
    environment_proxy: bool = Field(
        default=False, description="Whether to go through the proxy that HTTPS_PROXY and the like name."
    )

    @field_validator("base_url")
    @classmethod
    def _refuse_credentials(cls, url: AnyHttpUrl) -> AnyHttpUrl:
        # httpx logs addresses as they are.
        if url.username or url.password:
            raise ValueError(
                "must hold no name and no password, which logs would show; use api_key or headers"
            )
        return url

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        if self.api_key is not None and self.api_key_file is not None:
            raise ValueError("has both api_key and api_key_file; give one of them")
        return self

    @property
    def leaves_machine(self) -> bool:
        """Whether prompts leave this machine."""
        if self.external is not None:
            return self.external
        # A proxy of the environment is asked for loopback addresses too, unless NO_PROXY excepts them.
        return self.environment_proxy or not is_loopback(self.base_url.host or "")
