"""A model in llama.cpp, for looking at it: tokens of a text, logits at every position. For child processes.

Unlike the engine that serves, it keeps the logits of all positions, in small batches.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
import numpy.typing as npt

from backends.cores import thread_count_for
from backends.errors import Refused

Logits = npt.NDArray[np.float32]
# 64 positions of 150,000 logits are 38 MB.
BATCH_TOKEN_COUNT = 64
_ERROR_LEVEL = 4  # GGML_LOG_LEVEL_ERROR
_errors: list[str] = []


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
def _note(level: int, text: bytes, _: object) -> None:
    if level == _ERROR_LEVEL:
        _errors.append(text.decode(errors="replace").strip())


def complaint() -> str:
    """What llama.cpp said first of what went wrong; what follows is who was told."""
    first = next((line for line in _errors if line), "it did not say why")
    return first.removeprefix("llama_model_load: error loading model: ")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A loaded model; the fields are C pointers. ``context`` None: only its vocabulary was loaded."""

    model: Any
    vocabulary: Any
    context: Any | None

    @property
    def vocabulary_size(self) -> int:
        """Tokens of the vocabulary."""
        return int(llama_cpp.llama_vocab_n_tokens(self.vocabulary))

    def tokenize(self, text: str, *, surround: bool, special: bool) -> list[int]:
        """Token ids of ``text``.

        ``surround`` puts the first and last token around it that the vocabulary asks for; ``special``
        reads the names of special tokens as such.
        """
        data = text.encode()
        # Every token but those around covers a byte or more.
        size = len(data) + 8
        tokens = (llama_cpp.llama_token * size)()
        count = llama_cpp.llama_tokenize(self.vocabulary, data, len(data), tokens, size, surround, special)
        return list(tokens[:count])

    def forget(self) -> None:
        """Empty the context, for another text."""
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self.context), True)

    def read(self, tokens: Sequence[int], start: int = 0) -> Logits:
        """Compute ``tokens`` at positions from ``start``; return a view of their logits, (n, vocabulary).

        The next call overwrites it. At most ``BATCH_TOKEN_COUNT`` tokens.
        """
        batch = llama_cpp.llama_batch_init(len(tokens), 0, 1)
        try:
            batch.n_tokens = len(tokens)
            for i, token in enumerate(tokens):
                batch.token[i], batch.pos[i] = token, start + i
                batch.n_seq_id[i], batch.seq_id[i][0], batch.logits[i] = 1, 0, True
            code = llama_cpp.llama_decode(self.context, batch)
        finally:
            llama_cpp.llama_batch_free(batch)
        if code != 0:
            raise Refused(f"llama.cpp could not compute {len(tokens)} tokens (llama_decode returned {code})")
        pointer = llama_cpp.llama_get_logits(self.context)
        return np.ctypeslib.as_array(pointer, shape=(len(tokens), self.vocabulary_size))

    def read_all(self, tokens: Sequence[int]) -> Iterator[tuple[int, Logits]]:
        """Read a whole text from the beginning; yield where a batch starts, and its logits."""
        self.forget()
        for start in range(0, len(tokens), BATCH_TOKEN_COUNT):
            yield start, self.read(tokens[start : start + BATCH_TOKEN_COUNT], start)


@contextmanager
def loaded(
    path: Path,
    *,
    context_token_count: int = 0,
    cache_type: int = llama_cpp.GGML_TYPE_F16,
    extra_buffers: bool = True,
    listener: Any = None,
) -> Iterator[Loaded]:
    """Load ``path``, with a context where ``context_token_count`` is above 0; raises Refused if it cannot.

    ``listener`` is a ``ggml_backend_sched_eval_callback`` that must outlive this; None: nobody listens.
    """
    _errors.clear()
    llama_cpp.llama_log_set(_note, ctypes.c_void_p(0))
    llama_cpp.llama_backend_init()
    parameters = llama_cpp.llama_model_default_params()
    parameters.vocab_only = not context_token_count
    parameters.n_gpu_layers = 0
    parameters.use_extra_bufts = extra_buffers
    model = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
    if not model:
        raise Refused(f"llama.cpp cannot load {path}: {complaint()}")
    context = None
    try:
        if context_token_count:
            context = _context(model, path, context_token_count, cache_type, listener)
        yield Loaded(model, llama_cpp.llama_model_get_vocab(model), context)
    finally:
        if context:
            llama_cpp.llama_free(context)
        llama_cpp.llama_model_free(model)


def _context(model: Any, path: Path, length: int, cache_type: int, listener: Any) -> Any:
    parameters = llama_cpp.llama_context_default_params()
    parameters.n_ctx = length
    parameters.n_batch = parameters.n_ubatch = BATCH_TOKEN_COUNT
    parameters.n_threads = parameters.n_threads_batch = thread_count_for(path.stat().st_size)
    parameters.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED
    parameters.type_k = parameters.type_v = cache_type
    # What is computed elsewhere cannot be listened to.
    parameters.op_offload = False
    parameters.no_perf = True
    if listener is not None:
        parameters.cb_eval = listener
    context = llama_cpp.llama_init_from_model(model, parameters)
    if not context:
        raise Refused(f"llama.cpp cannot make a context of {length} tokens for {path}: {complaint()}")
    return context
