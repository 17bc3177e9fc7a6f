"""Keys and values in fewer bits: answers stay close, states are smaller, and everything else goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from backends.errors import Unavailable
from backends.llamacpp.engine.engine import Engine
from tests.backends.llamacpp.engine.driving import alone, ask, prompts, work

Opened = Callable[..., Engine]
POCKET = Path(__file__).parents[4] / "examples" / "pocket" / "weights" / "edge.gguf"
TYPES = [("q8_0", "f16", False), ("q8_0", "q8_0", True), ("q4_0", "q4_0", True), ("f32", "f32", False)]


@pytest.fixture(params=TYPES, ids=lambda types: "-".join(map(str, types)))
def engine(request: pytest.FixtureRequest, opened: Opened) -> Engine:
    """An engine with quantised keys, values or both, that guesses and keeps prefixes."""
    key, value, flash = request.param
    return opened(
        POCKET, key_cache_type=key, value_cache_type=value, flash_attention=flash, prefix_cache_mib=8
    )


def test_batches_as_it_would_alone(engine: Engine) -> None:
    """Whatever the format, a batch changes no answer, and neither do prefixes that were kept."""
    works = [work(i, tokens, 20) for i, tokens in enumerate(prompts(6))]
    expected = alone(engine, *works)
    assert ask(engine, *works).tokens == expected


def test_knows_a_token_as_well_as_full_precision(engine: Engine, opened: Opened) -> None:
    """The first log-probability differs by the rounding of the format and no more."""
    (tokens,) = prompts(1, seed=4)
    exact = ask(opened(POCKET, key_cache_type="f32", value_cache_type="f32"), work(1, tokens, 1))[1].wrote[0]
    close = ask(engine, work(1, tokens, 1))[1].wrote[0]
    assert close.logprob.logprob == pytest.approx(exact.logprob.logprob, abs=0.5)


def test_quantised_keys_take_less_memory(opened: Opened) -> None:
    """By the engine's own account of itself."""
    small = opened(POCKET, key_cache_type="q8_0", context_token_count=2048).memory_byte_count
    assert small < opened(POCKET, key_cache_type="f16", context_token_count=2048).memory_byte_count


def test_quantised_values_need_flash_attention(opened: Opened) -> None:
    """Said before anything is loaded."""
    with pytest.raises(Unavailable, match="flash_attention"):
        opened(value_cache_type="q8_0")


@pytest.mark.parametrize(
    "options", [{"key_cache_type": "q8_0"}, {"value_cache_type": "q4_0", "flash_attention": True}]
)
def test_heads_that_do_not_fill_blocks_are_refused(opened: Opened, options: dict[str, object]) -> None:
    """The tiny model's have 16 numbers, and llama.cpp would end the process at the first long prompt."""
    with pytest.raises(Unavailable, match="16; take f16"):
        opened(**options)
