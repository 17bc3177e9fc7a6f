"""What the configuration of a backend that is another Upshift node may hold."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, SecretStr, model_validator

from backends.addresses import is_loopback

_PATH: dict[str, JsonValue] = {"format": "path"}


class UpshiftNodeOptions(BaseModel):
    """Which node, how it knows us and we know it, and what is asked of it."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    target: str = Field(
        min_length=1, description="host:port of the node, or what gRPC resolves to several replicas."
    )
    policy: str | None = Field(
        default=None, description="The node's policy to decide by; unset: the first whose match rule fits."
    )
    api_key: SecretStr | None = Field(default=None, description="The key, as ${VARIABLE}; unset: none.")
    api_key_file: str | None = Field(
        default=None,
        json_schema_extra=_PATH,
        description="File that holds the key, read again when it changes; instead of api_key.",
    )
    tls: bool = Field(default=False, description="Whether to encrypt; needed for a key beyond this machine.")
    ca_file: str | None = Field(
        default=None,
        json_schema_extra=_PATH,
        description="PEM file of the authorities to trust; unset: those that gRPC knows.",
    )
    certificate_file: str | None = Field(
        default=None, json_schema_extra=_PATH, description="PEM file of our own certificate, for mutual TLS."
    )
    certificate_key_file: str | None = Field(
        default=None, json_schema_extra=_PATH, description="PEM file of that certificate's private key."
    )
    max_hop_count: int = Field(
        default=3, ge=1, le=32, description="Most nodes that pass a request on, so that none goes in circles."
    )
    max_output_token_count: int = Field(
        default=1024, ge=1, description="Most tokens of an answer, reasoning included."
    )
    grammar: bool = Field(
        default=False, description="Whether all of its tiers enforce grammars; it does not say so itself."
    )
    external: bool | None = Field(
        default=None,
        description="Whether prompts leave this machine; unset: unless at a loopback address, unproxied.",
    )
    start_check: bool = Field(default=True, description="Whether to ask for the list of tiers at start.")
    start_timeout_s: float = Field(default=10.0, gt=0, description="Longest wait for that list.")
    environment_proxy: bool = Field(
        default=False, description="Whether to go through the proxy that HTTPS_PROXY and the like name."
    )

    @model_validator(mode="after")
    def _check_secrets(self) -> Self:
        if self.api_key is not None and self.api_key_file is not None:
            raise ValueError("has both api_key and api_key_file; give one of them")
        has_key = self.api_key is not None or self.api_key_file is not None
        if has_key and not self.tls and not self._is_here:
            raise ValueError("has a key that would go over the network in clear; set tls")
        if not self.tls and (self.ca_file or self.certificate_file):
            raise ValueError("has certificates but no tls; set tls")
        if (self.certificate_file is None) != (self.certificate_key_file is None):
            raise ValueError("has one of certificate_file and certificate_key_file; give both or neither")
        return self

    @property
    def _is_here(self) -> bool:
        host, _, _ = self.target.rpartition(":")
        return self.target.startswith("unix:") or is_loopback(host)

    @property
    def leaves_machine(self) -> bool:
        """Whether prompts leave this machine."""
        if self.external is not None:
            return self.external
        return self.environment_proxy or not self._is_here
