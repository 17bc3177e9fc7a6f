"""The decode loop on transformers: the prompt in chunks, then a token a step on the model's own cache."""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from transformers import DynamicCache

from backends.engine import Token
from backends.moe.experts.function import experts_of
from backends.moe.loading import load_model, load_tokenizer, translated, use_threads
from backends.moe.options import MoeOptions
from backends.moe.words import Words
from backends.sampling import Sampler
from backends.token_statistics import token_logprob, with_top
from backends.types import Prompt

# What cancellation waits for while a prompt is read.
_CHUNK_TOKEN_COUNT = 256


class MoeEngine:
    """An :class:`backends.engine.Engine` on a transformers model."""

    def __init__(self, model: Any, words: Words, context_token_count: int) -> None:
        self.context_token_count = context_token_count
        self._model = model
        self._words = words

    def encode(self, prompt: Prompt) -> list[int]:
        """Token ids of the rendered prompt; safe beside ``generate``, see :class:`Words`."""
        return self._words.encode(prompt)

    def generate(self, tokens: Sequence[int], prompt: Prompt, stop: threading.Event) -> Generator[Token]:
        """Yield the answer token by token; see :class:`backends.engine.Engine`."""
        sampler = Sampler(prompt.sampling, tokens)
        decoder = self._words.decoder()
        cache = DynamicCache(config=self._model.config)
        logits = self._read_prompt(tokens, cache, stop)
        while not stop.is_set():
            token = sampler.draw(logits)
            ends = self._words.ends(token)
            text = "" if ends else decoder.step(token)
            statistics = token_logprob(text, logits, token)
            if count := prompt.sampling.top_logprob_count:
                statistics = with_top(statistics, logits, token, count, self._words.text_of)
            yield Token(statistics, ends)
            if ends:
                return
            sampler.accept(token)
            logits = self._step([token], cache)

    def close(self) -> None:
        """Free the model."""
        if self._model is not None and (experts := experts_of(self._model)) is not None:
            experts.close()
        self._model = None
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _read_prompt(
        self, tokens: Sequence[int], cache: DynamicCache, stop: threading.Event
    ) -> npt.NDArray[np.float32]:
        logits = np.empty(0, np.float32)
        for start in range(0, len(tokens), _CHUNK_TOKEN_COUNT):
            if stop.is_set():
                break
            logits = self._step(tokens[start : start + _CHUNK_TOKEN_COUNT], cache)
        return logits

    @torch.inference_mode()
    def _step(self, tokens: Sequence[int], cache: DynamicCache) -> npt.NDArray[np.float32]:
        """Logits after ``tokens``, float32, (n_vocabulary,)."""
        with translated(f"compute {len(tokens)} tokens"):
            ids = torch.tensor([tokens], device=self._model.device)
            output = self._model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
            logits: npt.NDArray[np.float32] = output.logits[0, -1].float().cpu().numpy()
            return logits


def load_engine(options: MoeOptions) -> MoeEngine:
    """Load the model that ``options`` name; call it on the thread that will compute."""
    tokenizer = load_tokenizer(options)
    model = load_model(options)
    use_threads(options, model)
    own_limit = int(
        getattr(model.config, "max_position_embeddings", 0) or options.context_token_count or 2048
    )
    return MoeEngine(
        model,
        Words(tokenizer, _ending_tokens(model, tokenizer)),
        min(options.context_token_count or own_limit, own_limit),
    )


def _ending_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    """All tokens that end an answer: a checkpoint names them in up to two places, one or several in each."""
    named = model.generation_config.eos_token_id
    several = named if isinstance(named, list) else [named]
    return frozenset(token for token in [*several, tokenizer.eos_token_id] if token is not None)
