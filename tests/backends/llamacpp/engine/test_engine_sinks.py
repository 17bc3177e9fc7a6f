"""Texts longer than the context."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from backends.errors import Unavailable
from backends.llamacpp.engine.engine import Engine
from tests.backends.llamacpp.engine.driving import alone, ask, work

Opened = Callable[..., Engine]
LONG = [5 + i % 240 for i in range(700)]


@pytest.fixture
def engine(opened: Opened) -> Engine:
    """A context of 256 tokens that keeps the first 4."""
    return opened(attention_sink_token_count=4, prefix_cache_mib=8)


def test_reads_and_writes_beyond_the_context(engine: Engine) -> None:
    """A prompt of 700 tokens and an answer of 300, in a mix as alone."""
    works = [work(1, LONG, 300), work(2, LONG[:300], 300), work(3, LONG[:20], 400)]
    expected = alone(engine, *works)
    together = ask(engine, *works)
    assert together.tokens == expected
    assert [len(expected[i]) for i in (1, 2, 3)] == [300, 300, 400]


def test_a_short_text_is_read_as_ever(engine: Engine, opened: Opened) -> None:
    """Nothing is forgotten before the context is full."""
    plain = opened()
    each = work(1, LONG[:100], 100)
    assert ask(engine, each)[1].tokens == ask(plain, each)[1].tokens


def test_the_memory_never_holds_more_than_the_context(engine: Engine) -> None:
    """Step by step, and the first tokens stay."""
    engine.submit(work(1, LONG, 100))
    while engine.has_work:
        engine.step()
        assert all(sequence.position <= 256 for sequence in engine._runner.scheduler.running)


def test_what_is_kept_is_read_as_if_it_stood_together(opened: Opened, shallow_gguf: Path) -> None:
    """With one layer, keys and values depend on their token alone, so what is dropped leaves no trace."""
    streaming, plain = opened(shallow_gguf, attention_sink_token_count=4), opened(shallow_gguf)
    # Full at 256: of the 252 behind the first 4, 126 go.
    kept = LONG[:4] + LONG[130:300]
    assert ask(streaming, work(1, LONG[:300]))[1].tokens == ask(plain, work(1, kept))[1].tokens


def test_too_many_sinks_are_refused(opened: Opened) -> None:
    """There must be room for what comes after them."""
    with pytest.raises(Unavailable, match="at most half"):
        opened(attention_sink_token_count=200)
