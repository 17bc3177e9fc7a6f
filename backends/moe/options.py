"""What the configuration of a transformers backend may hold."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from backends.moe.offload_options import OffloadOptions
from backends.reasoning import ReasoningTags


class MoeOptions(BaseModel):
    """Where the model is and how it is computed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = Field(
        min_length=1,
        description="Folder with config.json and safetensors, or a name on the Hugging Face hub.",
        json_schema_extra={"format": "path"},
    )
    revision: str | None = Field(default=None, description="Branch, tag or commit on the hub; unset: main.")
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="Where it computes; auto: a CUDA GPU where there is one."
    )
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        default="auto", description="Type that it computes in; auto: the checkpoint's."
    )
    experts_implementation: Literal["auto", "eager", "batched_mm", "grouped_mm"] = Field(
        default="auto", description="How transformers runs the experts; auto: the fastest for the device."
    )
    offload: OffloadOptions | None = Field(
        default=None,
        description="Experts that lie elsewhere until they are needed; unset: all on the computing device.",
    )
    thread_count: int | None = Field(
        default=None,
        ge=1,
        description="Threads that compute on the processor; unset: by the model's size, at most one a core.",
    )
    context_token_count: int | None = Field(
        default=None,
        ge=16,
        description="Most tokens of prompt and answer together; unset: the model's own limit.",
    )
    sequence_count: int = Field(
        default=8,
        ge=1,
        le=64,
        description="Answers written at once; each has a KV cache as long as the longest of them needs.",
    )
    queue_length: int = Field(
        default=256, ge=0, description="Requests that may wait for a place; more are turned away."
    )
    batch_token_count: int = Field(
        default=256,
        ge=1,
        le=8192,
        description="Most tokens of prompts that are read in one step, between looks at cancellation.",
    )
    kv_cache_type: Literal["model", "int8"] = Field(
        default="model",
        description="Number format of cached keys and values: the model's own, or 8 bits (not exact).",
    )
    prefix_cache_mib: int = Field(
        default=256,
        ge=0,
        description="Memory, beside the model's, for what was read before, not to be read again; 0: off.",
    )
    speculation: Literal["off", "lookup"] = Field(
        default="lookup",
        description=(
            "What guesses tokens ahead, where that is measured to be faster: nothing, or the text so far. "
            "Answers stay the same."
        ),
    )
    cuda_graphs: bool = Field(
        default=True,
        description="Whether a GPU records steps and replays them, where experts let it; takes some memory.",
    )
    max_output_token_count: int = Field(
        default=1024, ge=1, description="Most tokens of an answer, reasoning included."
    )
    reasoning_tags: ReasoningTags | None = Field(
        default=None,
        description='Tags around reasoning, such as ["<think>", "</think>"]; unset: it does not reason.',
    )
