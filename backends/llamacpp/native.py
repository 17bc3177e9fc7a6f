"""Opens and frees llama.cpp's own objects, and keeps its chatter out of stderr.

The one file that knows llama.cpp's parameter structures.
"""

from __future__ import annotations

import ctypes
import logging
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import llama_cpp

from backends.cores import thread_count_for
from backends.errors import Unavailable
from backends.llamacpp.options import LlamaCppOptions

logger = logging.getLogger(__name__)
# ggml's GGML_LOG_LEVEL_ERROR. It prints through levels of its own; all of it is detail here.
_ERROR = 3


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
def _log(level: int, text: bytes, _: object) -> None:
    logger.log(
        logging.INFO if level == _ERROR else logging.DEBUG, "%s", text.decode(errors="replace").rstrip()
    )


@cache
def _initialise() -> None:
    llama_cpp.llama_log_set(_log, ctypes.c_void_p(0))
    llama_cpp.llama_backend_init()


@dataclass(frozen=True, slots=True)
class Native:
    """A loaded model with its vocabulary, one context and that context's memory; all are C pointers."""

    model: Any
    vocabulary: Any
    context: Any
    memory: Any
    context_token_count: int

    @property
    def vocabulary_size(self) -> int:
        """Tokens of the vocabulary."""
        return int(llama_cpp.llama_vocab_n_tokens(self.vocabulary))

    def free(self) -> None:
        """Free the context and then the model. Call it once."""
        llama_cpp.llama_free(self.context)
        llama_cpp.llama_model_free(self.model)


def open_model(path: Path, options: LlamaCppOptions, *, extra_buffers: bool) -> Native:
    """Load ``path``; raises Unavailable where llama.cpp cannot read it or has no memory for it."""
    _initialise()
    parameters = llama_cpp.llama_model_default_params()
    parameters.n_gpu_layers = options.gpu_layer_count
    parameters.use_extra_bufts = extra_buffers
    model = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
    if not model:
        raise Unavailable(f"llama.cpp cannot load {path}; its log at level INFO says why")
    length = min(options.context_token_count, llama_cpp.llama_model_n_ctx_train(model))
    context = llama_cpp.llama_init_from_model(
        model, _context_parameters(options, length, path.stat().st_size)
    )
    if not context:
        llama_cpp.llama_model_free(model)
        raise Unavailable(f"llama.cpp cannot make a context of {length} tokens for {path}; try a shorter one")
    memory = llama_cpp.llama_get_memory(context)
    return Native(model, llama_cpp.llama_model_get_vocab(model), context, memory, length)


def _context_parameters(options: LlamaCppOptions, length: int, weight_byte_count: int) -> Any:
    parameters = llama_cpp.llama_context_default_params()
    parameters.n_ctx = length
    parameters.n_batch = parameters.n_ubatch = min(options.batch_token_count, length)
    parameters.n_threads = parameters.n_threads_batch = options.thread_count or thread_count_for(
        weight_byte_count
    )
    # Faster at reading short prompts, but slower at writing behind long ones.
    parameters.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED
    parameters.no_perf = True
    return parameters
