"""What the configuration of a llama.cpp backend may hold."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from backends.reasoning import ReasoningTags

CacheType = Literal["f32", "f16", "q8_0", "q4_0"]


class AdapterOptions(BaseModel):
    """A LoRA adapter and who is answered with it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str = Field(min_length=1, description="Path of the adapter's GGUF file.")
    scale: float = Field(default=1.0, description="How strongly it is applied.")
    tenants: tuple[str, ...] = Field(default=(), description="Tenants whose requests it answers.")


class LlamaCppOptions(BaseModel):
    """Where the model is, how it is computed, and how many answers are written at once."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = Field(
        min_length=1,
        description="Path of a GGUF file, or hf://owner/repository/file.gguf[@revision].",
        json_schema_extra={"format": "path"},
    )
    sha256: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{64}$",
        description="SHA-256 of the model file; it is refused where it differs. Unset: not checked.",
    )
    context_token_count: int = Field(
        default=2048,
        ge=16,
        description="Most tokens of prompt and answer together; the model's own limit holds too.",
    )
    max_output_token_count: int = Field(
        default=1024, ge=1, description="Most tokens of an answer, reasoning included."
    )
    sequence_count: int = Field(
        default=8,
        ge=1,
        le=64,
        description="Answers written at once; each has a KV cache of context_token_count tokens.",
    )
    queue_length: int = Field(
        default=256, ge=0, description="Requests that may wait for a place; more are turned away."
    )
    thread_count: int | None = Field(
        default=None,
        ge=1,
        description="Threads that compute; unset: by the model's size, at most one a physical core.",
    )
    batch_token_count: int = Field(
        default=128,
        ge=1,
        le=4096,
        description="Most tokens of prompts that are read in one step, between looks at cancellation.",
    )
    key_cache_type: CacheType = Field(default="f16", description="Number format of the cached keys.")
    value_cache_type: CacheType = Field(
        default="f16",
        description="Number format of the cached values; other than f16 and f32 needs flash attention.",
    )
    flash_attention: bool = Field(
        default=False, description="Faster at reading long prompts, slower at writing behind them."
    )
    prefix_cache_mib: int = Field(
        default=256, ge=0, description="Memory for what was read before, to be read again for free; 0: off."
    )
    prefix_cache_path: str | None = Field(
        default=None,
        min_length=1,
        description=(
            "Folder that keeps what was read before beyond restarts, prompts included; only for this user's "
            "eyes. Unset: nothing is written."
        ),
        json_schema_extra={"format": "path"},
    )
    prefix_cache_disk_mib: int = Field(
        default=4096, ge=1, description="Most that prefix_cache_path may take, of all models together."
    )
    attention_sink_token_count: int | None = Field(
        default=None,
        ge=1,
        description=(
            "Reads longer texts than the context: keeps this many first tokens and forgets the oldest others "
            "(StreamingLLM). Unset: longer texts are refused."
        ),
    )
    speculation: Literal["off", "lookup", "draft"] = Field(
        default="lookup",
        description=(
            "What guesses tokens ahead, where that is measured to be faster: nothing, the text so far, or "
            "draft_model. Answers stay the same. Not with attention sinks or recurrent models."
        ),
    )
    draft_model: str | None = Field(
        default=None,
        min_length=1,
        description="For speculation draft: a small model of the same vocabulary, named as model is.",
        json_schema_extra={"format": "path"},
    )
    adapters: dict[str, AdapterOptions] = Field(default_factory=dict, description="LoRA adapters by name.")
    worker: str | None = Field(
        default=None,
        min_length=1,
        description="Name of the worker process, shared by tiers that name the same; unset: one of its own.",
    )
    memory_limit_mib: int | None = Field(
        default=None,
        ge=1,
        description=(
            "Most memory for the models of one worker; those idle for longest are unloaded, and loaded again "
            "when asked. Unset: no limit."
        ),
    )
    gpu_layer_count: int = Field(default=0, ge=-1, description="Layers to put on a GPU; -1: all.")
    extra_buffers: bool = Field(
        default=True,
        description="Whether weights may be repacked for the processor: faster, but crashes on some builds.",
    )
    reasoning_tags: ReasoningTags | None = Field(
        default=None,
        description='Tags around reasoning, such as ["<think>", "</think>"]; unset: it does not reason.',
    )

    @model_validator(mode="after")
    def _has_draft_model(self) -> Self:
        if (self.speculation == "draft") != (self.draft_model is not None):
            raise ValueError("speculation draft and a draft_model go together; set both or neither")
        return self
