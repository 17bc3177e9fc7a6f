"""Loads a checkpoint and its tokenizer with transformers: safetensors only, and no code from the hub.

The one place where what transformers and torch raise becomes an error of ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from transformers import AutoTokenizer
from transformers.utils import logging as transformers_logging

from backends.cores import thread_count_for
from backends.errors import BackendError, Unavailable
from backends.moe.checkpoint import Checkpoint
from backends.moe.experts.function import experts_of
from backends.moe.offloading import load_offloaded
from backends.moe.options import MoeOptions


@contextmanager
def translated(action: str) -> Iterator[None]:
    """Turn what torch, transformers and the hub raise while they ``action`` into Unavailable."""
    try:
        yield
    except torch.OutOfMemoryError as exc:
        raise Unavailable(
            f"not enough GPU memory to {action}; use a smaller model, dtype, context or sequence_count"
        ) from exc
    except BackendError:
        raise
    except Exception as exc:  # a model's own code may raise anything, and one answer's fault is its own
        # torch's own allocator raises a RuntimeError with these words.
        if isinstance(exc, MemoryError) or "allocate memory" in str(exc):
            raise Unavailable(
                f"not enough memory to {action}; use a smaller model, dtype, context or sequence_count"
            ) from exc
        raise Unavailable(
            f"cannot {action} ({type(exc).__name__}); is it a complete causal language model?"
        ) from exc


def load_model(options: MoeOptions) -> Any:
    """Load the model, ready to compute; raises Unavailable."""
    transformers_logging.disable_progress_bar()
    with translated(f"load the model {options.model}"):
        checkpoint = Checkpoint(options.model, options.revision, options.dtype)
        device = device_of(options)
        if options.offload is not None:
            return load_offloaded(checkpoint, options.offload, device).eval()
        model = checkpoint.read()
        if hasattr(model, "set_experts_implementation"):
            model.set_experts_implementation(experts_implementation(options, device))
        return model.to(device).eval()


def load_tokenizer(options: MoeOptions) -> Any:
    """Load the tokenizer that lies beside the model; raises Unavailable."""
    with translated(f"load the tokenizer of {options.model}"):
        return AutoTokenizer.from_pretrained(
            options.model, revision=options.revision, use_fast=True, trust_remote_code=False
        )


def device_of(options: MoeOptions) -> str:
    """Name of the device to compute on."""
    if options.device != "auto":
        return options.device
    return "cuda" if torch.cuda.is_available() else "cpu"


def experts_implementation(options: MoeOptions, device: str) -> str:
    """Name of the experts function to use.

    On a processor eager reads only the experts that are used (240M weights, 32 experts: 33 ms a token
    against 79 with grouped_mm and 95 with batched_mm, whose prompts take 9 s); on a GPU batched_mm
    launches least, and transformers' own generate() takes it there too.
    """
    if options.experts_implementation != "auto":
        return options.experts_implementation
    return "eager" if device == "cpu" else "batched_mm"


def use_threads(options: MoeOptions, model: Any) -> None:
    """Set how many threads torch uses for work that this thread starts, and the whole process for more."""
    byte_count = sum(parameter.nbytes for parameter in model.parameters())
    if (experts := experts_of(model)) is not None:
        byte_count += experts.row_byte_count
    torch.set_num_threads(options.thread_count or thread_count_for(byte_count))
