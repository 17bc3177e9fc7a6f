"""What the configuration of a llama.cpp backend may hold."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from backends.reasoning import ReasoningTags


class LlamaCppOptions(BaseModel):
    """Where the model is and how it is computed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = Field(
        min_length=1,
        description="Path of a GGUF file, or hf://owner/repository/file.gguf[@revision].",
        json_schema_extra={"format": "path"},
    )
    context_token_count: int = Field(
        default=2048,
        ge=16,
        description="Most tokens of prompt and answer together; the model's own limit holds too.",
    )
    max_output_token_count: int = Field(
        default=1024, ge=1, description="Most tokens of an answer, reasoning included."
    )
    thread_count: int | None = Field(
        default=None,
        ge=1,
        description="Threads that compute; unset: by the model's size, at most one a physical core.",
    )
    # A chunk is what cancellation waits for: 64 tokens of a 0.6B model take 0.14 s on 2 cores, and
    # cost 6 % of the throughput of long prompts against chunks of 512.
    batch_token_count: int = Field(
        default=64,
        ge=1,
        le=4096,
        description="Tokens of the prompt that are read at once, between looks at cancellation.",
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
