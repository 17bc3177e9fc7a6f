"""Embeddings of texts from the weights of a generative model: the mean of its last states, of length 1."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import llama_cpp
import numpy as np
import numpy.typing as npt

from backends.errors import ContextTooLong, Refused, Unavailable
from backends.llamacpp.native import Native, open_embedding_context


class Embedder:
    """A second context on the same weights.

    The mean is taken here: llama.cpp's own pooling needs a whole text in one micro-batch, whose logits
    alone would take 1.2 GB for 2,048 tokens of a vocabulary of 152,000.
    """

    def __init__(self, native: Native) -> None:
        """Make the context; raises Unavailable where there is no memory for it."""
        self._native = native
        self._context = open_embedding_context(native)
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._width = llama_cpp.llama_model_n_embd(native.model)

    def embed(self, tokens: Sequence[int]) -> list[float]:
        """Return the embedding of the text of ``tokens``; its Euclidean length is 1.

        Raises ContextTooLong, Refused for an empty text, and Unavailable where the model gives no numbers.
        """
        if not tokens:
            raise Refused("an empty text has no embedding; send at least one token")
        if len(tokens) > self._native.context_token_count:
            raise ContextTooLong(
                f"the text has {len(tokens)} tokens and the context "
                f"{self._native.context_token_count}; shorten it"
            )
        total = np.zeros(self._width)
        size = llama_cpp.llama_n_batch(self._context)
        try:
            for start in range(0, len(tokens), size):
                total += self._states(tokens[start : start + size]).sum(axis=0, dtype=np.float64)
        finally:
            llama_cpp.llama_memory_clear(self._memory, False)
        length = float(np.linalg.norm(total))
        if not np.isfinite(length) or length == 0.0:
            raise Unavailable(f"the model gives no embedding (length {length}); its file may be broken")
        return [float(value) for value in total / length]

    def close(self) -> None:
        """Free the context."""
        llama_cpp.llama_free(self._context)

    def _states(self, tokens: Sequence[int]) -> npt.NDArray[np.float32]:
        batch = (llama_cpp.llama_token * len(tokens))(*tokens)
        code = llama_cpp.llama_decode(self._context, llama_cpp.llama_batch_get_one(batch, len(tokens)))
        if code != 0:
            raise Unavailable(
                f"llama.cpp could not compute {len(tokens)} tokens (llama_decode returned {code})"
            )
        pointer: Any = llama_cpp.llama_get_embeddings(self._context)
        address = ctypes.addressof(pointer.contents)
        buffer = (ctypes.c_float * (len(tokens) * self._width)).from_address(address)
        return np.ctypeslib.as_array(buffer).reshape(len(tokens), self._width)
