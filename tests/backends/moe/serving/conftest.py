"""Engines on models of every family."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from backends.moe.options import MoeOptions
from backends.moe.serving.engine import MoeEngine
from backends.moe.words import Words
from tests import tiny_models
from tests.backends.moe.families import model_of

Opened = Callable[..., MoeEngine]


@pytest.fixture(scope="session")
def words() -> Words:
    """A vocabulary in which nothing ends an answer."""
    return Words(tiny_models.tokenizer(), frozenset())


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """Models this small are slower on several threads, and much slower where others use the processor."""
    torch.set_num_threads(1)


@pytest.fixture
def opened(words: Words) -> Opened:
    """Opens engines on the model of a family: small chunks, no guesses and no cache unless asked for."""

    def open_one(family: str = "qwen3_moe", model: Any = None, **options: Any) -> MoeEngine:
        clock = {"clock": options.pop("clock")} if "clock" in options else {}
        defaults: dict[str, Any] = {
            "sequence_count": 4,
            "batch_token_count": 24,
            "speculation": "off",
            "prefix_cache_mib": 0,
        }
        context = options.pop("context_token_count", 512)
        chosen = MoeOptions(model=family, **(defaults | options))
        return MoeEngine(model or model_of(family), words, chosen, context, **clock)

    return open_one
