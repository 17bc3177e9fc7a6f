"""The sampler and the statistics of tokens, against their definitions."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from backends.errors import Unavailable
from backends.sampling import Sampler, with_seed
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
    token = Sampler(Sampling(temperature=0.7, top_p=top_p, seed=seed)).draw(logits)
    scaled = logits.astype(np.float64) / 0.7
    probabilities = np.exp(scaled - scaled.max())
    probabilities /= probabilities.sum()
    more_probable = probabilities[probabilities > probabilities[token]].sum()
    assert more_probable < top_p + 1e-9


@given(LOGITS, st.integers(1, 50), st.integers(0, 99))
def test_draws_only_from_the_top_k(logits: np.ndarray, top_k: int, seed: int) -> None:
    """Fewer than top_k tokens are more probable than the drawn one."""
    token = Sampler(Sampling(temperature=2.0, top_k=top_k, seed=seed)).draw(logits)
    assert (logits > logits[token]).sum() < top_k


@given(LOGITS, st.floats(0.01, 1.0), st.integers(0, 99))
def test_min_p_drops_the_improbable(logits: np.ndarray, min_p: float, seed: int) -> None:
    """A drawn token has at least min_p times the highest probability."""
    token = Sampler(Sampling(temperature=1.0, min_p=min_p, seed=seed)).draw(logits)
    assert float(logits[token]) >= float(logits.max()) + math.log(min_p) - 1e-4


def test_draws_by_the_probabilities() -> None:
    """Frequencies follow the softmax."""
    sampler = Sampler(Sampling(temperature=1.0, seed=5))
    logits = np.log(np.array([0.5, 0.3, 0.2], np.float32))
    tokens = []
    for _ in range(4000):
        tokens.append(sampler.draw(logits))
        sampler.accept(tokens[-1])
    assert np.bincount(tokens, minlength=3) / 4000 == pytest.approx([0.5, 0.3, 0.2], abs=0.03)


def test_a_position_gives_one_token() -> None:
    """Until it is accepted; the next position draws afresh."""
    logits = np.zeros(1000, np.float32)
    sampler = Sampler(Sampling(temperature=1.0, seed=5))
    first = sampler.draw(logits)
    assert sampler.draw(logits) == first
    sampler.accept(first)
    assert sampler.draw(logits) != first


@pytest.mark.parametrize(
    "options", [{}, {"top_k": 3}, {"top_p": 0.5}, {"min_p": 0.1}, {"repetition_penalty": 1.5}]
)
def test_what_is_ruled_out_is_never_drawn(options: dict[str, float]) -> None:
    """A logit of minus infinity, at any setting."""
    logits = np.full(1000, -np.inf, np.float32)
    logits[[7, 300]] = [-50.0, -51.0]
    sampler = Sampler(Sampling(temperature=2.0, seed=5, **options), [7, 8])  # type: ignore[arg-type]
    for _ in range(50):
        token = sampler.draw(logits)
        sampler.accept(token)
        assert token in (7, 300)


def test_a_taken_up_answer_goes_on_as_it_began() -> None:
    """Accepting what was written before gives the draws that follow it."""
    logits = np.random.default_rng(0).normal(size=100).astype(np.float32)
    sampling = Sampling(temperature=1.0, seed=-3, presence_penalty=0.5, repetition_penalty=1.2)
    first, second = Sampler(sampling, [1, 2]), Sampler(sampling, [1, 2])
    for _ in range(10):
        first.accept(token := first.draw(logits))
        second.accept(token)
    assert first.draw(logits) == second.draw(logits)


@given(LOGITS)
def test_is_greedy_without_temperature(logits: np.ndarray) -> None:
    """Temperature 0 takes the most probable token, and a vanishing one does as well."""
    greedy = Sampler(Sampling()).draw(logits)
    almost = Sampler(Sampling(temperature=1e-300, seed=0)).draw(logits)
    assert logits[greedy] == logits.max() == logits[almost]


def test_penalties_follow_their_definitions() -> None:
    """Presence subtracts once, frequency by count; repetition divides, and counts the prompt too."""
    logits = np.array([1.0, 0.9, 0.8, -1.0], np.float32)
    presence = Sampler(Sampling(presence_penalty=0.15), [1])
    presence.accept(0)
    assert presence.draw(logits) == 1
    frequency = Sampler(Sampling(frequency_penalty=0.15))
    for token in (0, 0, 1):
        frequency.accept(token)
    assert frequency.draw(logits) == 2
    assert Sampler(Sampling(repetition_penalty=1.3), [0, 1]).draw(logits) == 2


def test_a_missing_seed_is_chance() -> None:
    """Without a seed two answers draw apart; a negative one is as good as any."""
    assert with_seed(Sampling()).seed != with_seed(Sampling()).seed
    assert with_seed(Sampling(seed=-1)).seed == 2**64 - 1
