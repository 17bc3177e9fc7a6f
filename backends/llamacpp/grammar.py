"""Keeps an answer within a JSON Schema while it is written.

Draws freely first and asks the grammar about that one token; only where it is refused is the
grammar asked about the whole vocabulary and the draw repeated (asking about 150,000 tokens takes
20 ms). The drawn distribution is the same.
"""

from __future__ import annotations

import ctypes
import json
from collections.abc import Mapping
from typing import Any

import llama_cpp
import numpy as np
import numpy.typing as npt
from llama_cpp.llama_grammar import LlamaGrammar

from backends.errors import Refused, Unavailable
from backends.sampling import draw
from backends.types import Sampling

# llama_token_data: id, logit, probability.
_CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])


class Grammar:
    """The state of a grammar along one answer. Close it."""

    def __init__(self, vocabulary: Any, schema: Mapping[str, Any]) -> None:
        """Start the grammar of ``schema``; raises Refused where llama.cpp cannot express it."""
        try:
            rules = LlamaGrammar.from_json_schema(json.dumps(dict(schema)), verbose=False)._grammar  # noqa: SLF001
        except Exception as exc:  # the converter raises whatever an odd schema makes it trip over
            raise Refused(
                f"llama.cpp cannot express this JSON Schema ({type(exc).__name__}); simplify it"
            ) from exc
        self._sampler = llama_cpp.llama_sampler_init_grammar(vocabulary, rules.encode(), b"root")
        if not self._sampler:
            raise Refused("llama.cpp cannot parse the grammar that this JSON Schema gives; simplify it")

    def draw(
        self, logits: npt.NDArray[np.float32], sampling: Sampling, generator: np.random.Generator
    ) -> int:
        """Draw a token that the grammar allows, and move on by it."""
        token = draw(logits, sampling, generator)
        if np.isneginf(self._masked(logits, np.array([token], np.int32))[0]):
            masked = self._masked(logits, np.arange(len(logits), dtype=np.int32))
            if np.isneginf(masked.max()):
                raise Unavailable("no token of the model fits the JSON Schema here")
            token = draw(masked, sampling, generator)
        llama_cpp.llama_sampler_accept(self._sampler, token)
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
