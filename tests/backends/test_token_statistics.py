"""The most probable tokens, and statistics where numbers are large."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.token_statistics import most_probable, token_logprob, with_top


@given(st.integers(2, 3000), st.integers(1, 30), st.integers(0, 99))
def test_finds_the_most_probable_as_a_sort_does(size: int, count: int, seed: int) -> None:
    """At any size of the vocabulary, ties and forbidden tokens included."""
    logits = np.random.default_rng(seed).integers(-9, 9, size).astype(np.float32)
    logits[::7] = -np.inf
    expected = np.argsort(-logits, kind="stable")[:count]
    assert most_probable(logits, count).tolist() == expected.tolist()


def test_the_most_probable_come_with_their_logarithms() -> None:
    """Whichever token was drawn."""
    logits = np.log(np.array([0.2, 0.5, 0.3], np.float32))
    for token in range(3):
        top = with_top(token_logprob("x", logits, token), logits, token, 2, str).top
        assert [text for text, _ in top] == ["1", "2"]
        assert [logprob for _, logprob in top] == pytest.approx([math.log(0.5), math.log(0.3)], abs=1e-5)


@pytest.mark.parametrize("offset", [-1e4, -90.0, 0.0, 55.0, 90.0, 1e4])
def test_only_differences_count(offset: float) -> None:
    """Logits far from zero neither overflow nor vanish."""
    logits = np.array([1.0, 3.0, -2.0, -np.inf], np.float32)
    moved = token_logprob("x", logits + np.float32(offset), 0)
    plain = token_logprob("x", logits, 0)
    assert moved.logprob == pytest.approx(plain.logprob, abs=2e-3)
    assert moved.runner_up_logprob == pytest.approx(plain.runner_up_logprob, abs=2e-3)
    assert moved.entropy == pytest.approx(plain.entropy, abs=2e-3)
