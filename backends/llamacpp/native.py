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
from backends.llamacpp.options import CacheType, LlamaCppOptions
from backends.serving.speculation.speculation import DRAFT_TOKEN_COUNT

logger = logging.getLogger(__name__)
# ggml's GGML_LOG_LEVEL_ERROR. It prints through levels of its own; all of it is detail here.
_ERROR = 3
_CACHE_TYPES: dict[CacheType, int] = {
    "f32": llama_cpp.GGML_TYPE_F32,
    "f16": llama_cpp.GGML_TYPE_F16,
    "q8_0": llama_cpp.GGML_TYPE_Q8_0,
    "q4_0": llama_cpp.GGML_TYPE_Q4_0,
}
# Numbers that share a scale, in both quantised formats.
_BLOCK_LENGTH = 32
# All tokens of an embedded text are outputs, with logits too, which take vocabulary * 4 bytes each.
_EMBEDDING_BATCH_TOKEN_COUNT = 64


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
    """A loaded model with its vocabulary, one context and that context's memory; all are C pointers.

    The memory holds ``sequence_count`` sequences of ``context_token_count`` tokens, apart from each
    other. A call of ``llama_decode`` takes at most ``batch_token_count`` tokens and gives at most
    ``output_count`` rows of logits; more of either would end the process.
    """

    model: Any
    vocabulary: Any
    context: Any
    memory: Any
    context_token_count: int
    sequence_count: int
    batch_token_count: int
    output_count: int

    @property
    def vocabulary_size(self) -> int:
        """Tokens of the vocabulary."""
        return int(llama_cpp.llama_vocab_n_tokens(self.vocabulary))

    @property
    def forgets_tails(self) -> bool:
        """Whether the last tokens of a sequence can be taken back; recurrent memory cannot."""
        return not (
            llama_cpp.llama_model_is_recurrent(self.model) or llama_cpp.llama_model_is_hybrid(self.model)
        )

    @property
    def shares_prefixes(self) -> bool:
        """Whether a copy of a sequence's state also serves for a shorter beginning of it.

        With a sliding window it does not: the copy lacks what the window has passed.
        """
        return self.forgets_tails and llama_cpp.llama_model_n_swa(self.model) == 0

    def free(self) -> None:
        """Free the context and then the model. Call it once."""
        llama_cpp.llama_free(self.context)
        llama_cpp.llama_model_free(self.model)


def open_model(path: Path, options: LlamaCppOptions, *, extra_buffers: bool) -> Native:
    """Load ``path``; raises Unavailable where llama.cpp cannot read it or has no memory for it."""
    if options.value_cache_type not in ("f32", "f16") and not options.flash_attention:
        raise Unavailable(
            f"value_cache_type {options.value_cache_type} needs flash attention; set flash_attention"
        )
    model = _load(path, n_gpu_layers=options.gpu_layer_count, use_extra_bufts=extra_buffers)
    try:
        _check_widths(model, options)
    except Unavailable:
        llama_cpp.llama_model_free(model)
        raise
    length = min(options.context_token_count, llama_cpp.llama_model_n_ctx_train(model))
    parameters = _context_parameters(options, length, path.stat().st_size)
    context = llama_cpp.llama_init_from_model(model, parameters)
    if not context:
        llama_cpp.llama_model_free(model)
        raise Unavailable(
            f"llama.cpp cannot make {options.sequence_count} contexts of {length} tokens for {path}; "
            "try a shorter context_token_count or a lower sequence_count"
        )
    return Native(
        model,
        llama_cpp.llama_model_get_vocab(model),
        context,
        llama_cpp.llama_get_memory(context),
        context_token_count=length,
        sequence_count=options.sequence_count,
        batch_token_count=llama_cpp.llama_n_batch(context),
        output_count=parameters.n_outputs_max,
    )


def open_vocabulary(path: Path) -> Any:
    """Load only the vocabulary and the metadata of ``path``; returns a model pointer, to be freed."""
    return _load(path, vocab_only=True)


def open_embedding_context(native: Native) -> Any:
    """Make a context on the weights of ``native`` that gives every token's state; free it before them."""
    parameters = llama_cpp.llama_context_default_params()
    parameters.n_ctx = native.context_token_count
    parameters.n_batch = parameters.n_ubatch = min(_EMBEDDING_BATCH_TOKEN_COUNT, native.context_token_count)
    parameters.n_threads = llama_cpp.llama_n_threads(native.context)
    parameters.n_threads_batch = llama_cpp.llama_n_threads_batch(native.context)
    parameters.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED
    parameters.embeddings = True
    parameters.pooling_type = llama_cpp.LLAMA_POOLING_TYPE_NONE
    parameters.no_perf = True
    context = llama_cpp.llama_init_from_model(native.model, parameters)
    if not context:
        raise Unavailable("llama.cpp has no memory for a context for embeddings; lower sequence_count")
    return context


def _load(path: Path, **changes: Any) -> Any:
    _initialise()
    parameters = llama_cpp.llama_model_default_params()
    for name, value in changes.items():
        setattr(parameters, name, value)
    model = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
    if not model:
        raise Unavailable(f"llama.cpp cannot load {path}; its log at level INFO says why")
    return model


def _check_widths(model: Any, options: LlamaCppOptions) -> None:
    """Raise Unavailable where a head is no whole number of blocks: llama.cpp would end the process later."""
    for name, kind in (("key", options.key_cache_type), ("value", options.value_cache_type)):
        width = _head_width(model, name)
        if kind not in ("f32", "f16") and width % _BLOCK_LENGTH:
            raise Unavailable(
                f"{name}_cache_type {kind} packs {_BLOCK_LENGTH} numbers together, and a head of this model "
                f"has {width}; take f16"
            )


def _head_width(model: Any, name: str) -> int:
    """Numbers of a key or a value of one head."""
    architecture = _metadata(model, "general.architecture")
    width = _metadata(model, f"{architecture}.attention.{name}_length")
    if width is not None:
        return int(width)
    return int(llama_cpp.llama_model_n_embd(model)) // max(1, int(llama_cpp.llama_model_n_head(model)))


def _metadata(model: Any, key: str) -> str | None:
    buffer = ctypes.create_string_buffer(64)
    length = llama_cpp.llama_model_meta_val_str(model, key.encode(), buffer, len(buffer))
    return None if length < 0 else buffer.value.decode(errors="replace")


def _context_parameters(options: LlamaCppOptions, length: int, weight_byte_count: int) -> Any:
    count = options.sequence_count
    parameters = llama_cpp.llama_context_default_params()
    parameters.n_ctx = count * length
    parameters.n_seq_max = count
    # Every sequence in buffers of its own: a step of 8 takes 98 ms, and 122 in one buffer (0.6B, 2 threads).
    parameters.kv_unified = False
    parameters.n_batch = options.batch_token_count + count + DRAFT_TOKEN_COUNT
    # At least one token of each sequence fits, or llama.cpp would compute them one after the other.
    parameters.n_ubatch = max(options.batch_token_count, count)
    parameters.n_outputs_max = count + DRAFT_TOKEN_COUNT
    parameters.n_threads = parameters.n_threads_batch = options.thread_count or thread_count_for(
        weight_byte_count
    )
    parameters.type_k = _CACHE_TYPES[options.key_cache_type]
    parameters.type_v = _CACHE_TYPES[options.value_cache_type]
    parameters.flash_attn_type = (
        llama_cpp.LLAMA_FLASH_ATTN_TYPE_ENABLED
        if options.flash_attention
        else llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED
    )
    parameters.no_perf = True
    return parameters
