"""Keeps an answer within a JSON Schema while it is written.

Draws freely first and asks the grammar about that one token; only where it is refused is the
grammar asked about the whole vocabulary and the draw repeated (asking about 150,000 tokens takes
20 ms). The drawn distribution is the same.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Mapping
from typing import Any

import llama_cpp
import numpy as np
import numpy.typing as npt

from backends.errors import Refused, Unavailable
from backends.llamacpp.schema_grammar import grammar_of
from backends.sampling import draw
from backends.types import Sampling

# Usual are 0.02 s. The ways that llama.cpp follows at once can double with every token (alternatives that
# begin alike and nest), and a call cannot be stopped.
_MAX_DRAW_S = 1.0
# llama_token_data: id, logit, probability.
_CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])


class Grammar:
    """The state of a grammar along one answer. Close it."""

    def __init__(self, vocabulary: Any, schema: Mapping[str, Any]) -> None:
        """Start the grammar of ``schema``; raises Refused where llama.cpp cannot express it."""
        rules = grammar_of(schema)
        self._sampler = llama_cpp.llama_sampler_init_grammar(vocabulary, rules.encode(), b"root")
        if not self._sampler:
            raise Refused("llama.cpp cannot parse the grammar that this JSON Schema gives; simplify it")

    def draw(
        self, logits: npt.NDArray[np.float32], sampling: Sampling, generator: np.random.Generator
    ) -> int:
        """Draw a token that the grammar allows, and move on by it.

        Raises Unavailable where there is none, and Refused where the grammar takes too long.
        """
        started_s = time.monotonic()
        token = draw(logits, sampling, generator)
        if np.isneginf(self._masked(logits, np.array([token], np.int32))[0]):
            masked = self._masked(logits, np.arange(len(logits), dtype=np.int32))
            if np.isneginf(masked.max()):
                raise Unavailable("no token of the model fits the JSON Schema here")
            token = draw(masked, sampling, generator)
        llama_cpp.llama_sampler_accept(self._sampler, token)
        if time.monotonic() - started_s > _MAX_DRAW_S:
            raise Refused("the JSON Schema can be met in too many ways for llama.cpp to follow; simplify it")
        return token

    def close(self) -> None:
        """Free it. Call it once."""
        llama_cpp.llama_sampler_free(self._sampler)

    def _masked(
        self, logits: npt.NDArray[np.float32], tokens: npt.NDArray[np.int32]
    ) -> npt.NDArray[np.float32]:
        """Logits of ``tokens``, minus infinity where the grammar refuses them."""
        candidates = np.zeros(len(tokens), _CANDIDATE)
        candidates["id"] = tokens
        candidates["logit"] = logits[tokens]
        data = candidates.ctypes.data_as(llama_cpp.llama_token_data_p)
        array = llama_cpp.llama_token_data_array(data=data, size=len(candidates), selected=-1, sorted=False)
        llama_cpp.llama_sampler_apply(self._sampler, ctypes.byref(array))
        return candidates["logit"]
