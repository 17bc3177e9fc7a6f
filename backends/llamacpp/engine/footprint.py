"""How much memory an opened model takes, and a first proof that it computes."""

from __future__ import annotations

import llama_cpp

from backends.errors import Unavailable
from backends.llamacpp.native import Native

_FLOAT_BYTE_COUNT = 4


def warm_up(native: Native) -> int:
    """Compute two tokens and return an estimate of the bytes that weights, KV cache and buffers take.

    What the cache takes is read off the growth of a sequence's state, which holds for any format and
    architecture. Raises Unavailable where the model does not compute.
    """
    first = _state_byte_count_after(native, 1)
    second = _state_byte_count_after(native, 2)
    llama_cpp.llama_memory_clear(native.memory, False)
    per_token = second - first
    cached = native.sequence_count * (native.context_token_count * per_token + max(0, first - per_token))
    # Logits stand in llama.cpp's graph and again where they are read.
    logits = 2 * native.output_count * native.vocabulary_size
    states = 8 * native.batch_token_count * llama_cpp.llama_model_n_embd(native.model)
    heads = llama_cpp.llama_model_n_head(native.model)
    attention = heads * native.batch_token_count * native.context_token_count
    buffers = _FLOAT_BYTE_COUNT * (logits + states + attention)
    weights = int(llama_cpp.llama_model_size(native.model))
    return weights + int(cached + buffers)


def _state_byte_count_after(native: Native, count: int) -> int:
    """Bytes of the state of a sequence whose ``count``-th token is computed now."""
    token = (llama_cpp.llama_token * 1)(0)
    code = llama_cpp.llama_decode(native.context, llama_cpp.llama_batch_get_one(token, 1))
    if code != 0:
        raise Unavailable(f"the model cannot compute its token {count} (llama_decode returned {code})")
    return int(llama_cpp.llama_state_seq_get_size(native.context, 0))
