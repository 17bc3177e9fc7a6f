"""Opens the engine of the local tier: tokenizer, model, and as much context as both allow."""

from __future__ import annotations

from typing import Any

from backends.moe.loading import load_model, load_tokenizer, use_threads
from backends.moe.options import MoeOptions
from backends.moe.serving.engine import MoeEngine
from backends.moe.words import Words


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
        options,
        min(options.context_token_count or own_limit, own_limit),
    )


def _ending_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    """All tokens that end an answer: a checkpoint names them in up to two places, one or several in each."""
    named = model.generation_config.eos_token_id
    several = named if isinstance(named, list) else [named]
    return frozenset(token for token in [*several, tokenizer.eos_token_id] if token is not None)
