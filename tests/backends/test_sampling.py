"""The sampler and the statistics of tokens, against their definitions."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from backends.errors import Unavailable
from backends.sampling import draw, generator_of
from backends.token_statistics import token_logprob
from backends.types import Sampling

LOGITS = npst.arrays(np.float32, st.integers(2, 40), elements=st.floats(-30, 30, width=32))


@given(LOGITS, st.data())
def test_statistics_are_those_of_the_softmax(logits: np.ndarray, data: st.DataObject) -> None:
    """Log-probability, runner-up and entropy agree with float64 formulas."""
    token = data.draw(st.integers(0, len(logits) - 1))
    exact = logits.astype(np.float64) - math.log(np.exp(logits.astype(np.float64)).sum())
    result = token_logprob("x", logits, token)
    assert result.logprob <= 0
    assert result.logprob == pytest.approx(exact[token], abs=1e-4)
    assert result.runner_up_logprob == pytest.approx(np.delete(exact, token).max(), abs=1e-4)
    assert result.entropy == pytest.approx(-(np.exp(exact) * exact).sum(), abs=1e-3)


def test_forbidden_tokens_have_no_part_in_the_entropy() -> None:
    """Logits of minus infinity, as in padded vocabularies, count as probability 0."""
    result = token_logprob("x", np.array([0, -np.inf, 0], np.float32), 0)
    assert result.entropy == pytest.approx(math.log(2))


def test_a_broken_model_is_unavailable() -> None:
    """Logits without numbers raise, before they become a confident answer."""
    with pytest.raises(Unavailable, match="no probabilities"):
        token_logprob("x", np.array([np.nan, 1.0], np.float32), 0)


@given(LOGITS, st.floats(0.05, 1.0), st.integers(0, 99))
def test_draws_only_from_the_nucleus(logits: np.ndarray, top_p: float, seed: int) -> None:
    """A drawn token is among the fewest most probable ones that hold top_p."""
    sampling = Sampling(temperature=0.7, top_p=top_p, seed=seed)
    token = draw(logits, sampling, generator_of(sampling))
    scaled = logits.astype(np.float64) / 0.7
    probabilities = np.exp(scaled - scaled.max())
    probabilities /= probabilities.sum()
    more_probable = probabilities[probabilities > probabilities[token]].sum()
    assert more_probable < top_p + 1e-9


def test_draws_by_the_probabilities() -> None:
    """Frequencies follow the softmax."""
    sampling = Sampling(temperature=1.0, seed=5)
    generator = generator_of(sampling)
    logits = np.log(np.array([0.5, 0.3, 0.2], np.float32))
    counts = np.bincount([draw(logits, sampling, generator) for _ in range(4000)], minlength=3)
    assert counts / 4000 == pytest.approx([0.5, 0.3, 0.2], abs=0.03)


@given(LOGITS)
def test_is_greedy_without_temperature(logits: np.ndarray) -> None:
    """Temperature 0 takes the most probable token, and a vanishing one does as well."""
    greedy = draw(logits, Sampling(), generator_of(Sampling()))
    almost = Sampling(temperature=1e-300, seed=0)
    assert logits[greedy] == logits.max() == logits[draw(logits, almost, generator_of(almost))]
