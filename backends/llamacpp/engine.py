"""The decode loop on llama.cpp: one sequence, log-probabilities of every token, prefixes kept.

Statistics come from the last position's logits alone, so they cost a pass over the vocabulary
and not the fourfold of keeping all positions' logits.
"""

from __future__ import annotations

import codecs
import threading
from collections.abc import Generator, Sequence
from contextlib import closing, nullcontext

import llama_cpp
import numpy as np
import numpy.typing as npt

from backends.engine import Token
from backends.errors import Unavailable
from backends.llamacpp.grammar import Grammar
from backends.llamacpp.native import Native
from backends.llamacpp.vocabulary import Vocabulary
from backends.sampling import draw, generator_of
from backends.token_statistics import token_logprob
from backends.types import JsonSchemaFormat, Prompt


class LlamaCppEngine:
    """An :class:`backends.engine.Engine` on one llama.cpp context.

    The prompt is read in chunks of ``batch_token_count`` tokens, and of the chunks read for the
    last prompt those that the next one shares are kept. Only whole chunks are: then equal prompts
    give bit-equal logits, whatever ran before.
    """

    def __init__(self, native: Native, batch_token_count: int) -> None:
        self.context_token_count = native.context_token_count
        self._native = native
        self._freed = False
        self._vocabulary = Vocabulary(native)
        self._vocabulary_size = native.vocabulary_size
        self._chunk_length = min(batch_token_count, native.context_token_count)
        self._read: list[int] = []

    def encode(self, prompt: Prompt) -> list[int]:
        """Token ids of the rendered prompt; safe beside ``generate``, see :class:`Vocabulary`."""
        return self._vocabulary.encode(prompt)

    def generate(self, tokens: Sequence[int], prompt: Prompt, stop: threading.Event) -> Generator[Token]:
        """Yield the answer token by token; see :class:`backends.engine.Engine`."""
        generator = generator_of(prompt.sampling)
        characters = codecs.getincrementaldecoder("utf-8")("replace")
        with self._grammar(prompt) as grammar:
            self._read_prompt(tokens, stop)
            while not stop.is_set():
                logits = self._logits()
                sampler = draw if grammar is None else grammar.draw
                token = sampler(logits, prompt.sampling, generator)
                ends = self._vocabulary.ends(token)
                text = "" if ends else characters.decode(self._vocabulary.piece(token))
                yield Token(token_logprob(text, logits, token), ends)
                if ends:
                    return
                self._decode([token])

    def close(self) -> None:
        """Free the model."""
        if not self._freed:
            self._freed = True
            self._native.free()

    def _grammar(self, prompt: Prompt) -> closing[Grammar] | nullcontext[None]:
        if isinstance(prompt.response_format, JsonSchemaFormat):
            return closing(Grammar(self._native.vocabulary, prompt.response_format.schema))
        return nullcontext()

    def _read_prompt(self, tokens: Sequence[int], stop: threading.Event) -> None:
        kept = self._keep_prefix(tokens)
        for start in range(kept, len(tokens), self._chunk_length):
            if stop.is_set():
                return
            chunk = tokens[start : start + self._chunk_length]
            self._decode(chunk)
            self._read.extend(chunk)

    def _keep_prefix(self, tokens: Sequence[int]) -> int:
        """Forget all but the whole chunks that ``tokens`` begin with; return the length kept.

        The last token is always read anew: its logits are needed.
        """
        shared = next((i for i, (a, b) in enumerate(zip(self._read, tokens, strict=False)) if a != b), None)
        if shared is None:
            shared = min(len(self._read), len(tokens))
        kept = min(shared, len(tokens) - 1) // self._chunk_length * self._chunk_length
        if not llama_cpp.llama_memory_seq_rm(self._native.memory, 0, kept, -1):
            # Recurrent memory cannot forget a part.
            llama_cpp.llama_memory_clear(self._native.memory, True)
            kept = 0
        del self._read[kept:]
        return kept

    def _decode(self, tokens: Sequence[int]) -> None:
        batch = (llama_cpp.llama_token * len(tokens))(*tokens)
        code = llama_cpp.llama_decode(self._native.context, llama_cpp.llama_batch_get_one(batch, len(tokens)))
        if code != 0:
            raise Unavailable(
                f"llama.cpp could not compute {len(tokens)} tokens (llama_decode returned {code})"
            )

    def _logits(self) -> npt.NDArray[np.float32]:
        """Logits after the last token, (n_vocabulary,); a view that the next step overwrites."""
        pointer = llama_cpp.llama_get_logits_ith(self._native.context, -1)
        return np.ctypeslib.as_array(pointer, shape=(self._vocabulary_size,))
