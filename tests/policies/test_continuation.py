"""The arithmetic of asking on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.continuation import DRAW_COUNT, best_continuation, normal_draws, outcomes

DRAWS = normal_draws(DRAW_COUNT, 6)
PROBABILITY = st.floats(0, 1)


def test_draws_are_standard_normal_and_always_the_same() -> None:
    """Mean 0 and variance 1 in every column, and no correlation between columns."""
    assert np.array_equal(DRAWS, normal_draws(DRAW_COUNT, 6))
    assert np.allclose(DRAWS.mean(axis=1), 0.0, atol=1e-9)
    assert np.allclose(np.cov(DRAWS, bias=True), np.eye(6), atol=1e-9)


@given(st.lists(PROBABILITY, min_size=1, max_size=6), st.floats(0, 1))
def test_outcomes_keep_their_means_and_stay_probabilities(qualities: list[float], movement: float) -> None:
    """However far estimates may move, on average they are right."""
    known = outcomes(np.array(qualities), movement * np.eye(len(qualities)), DRAWS)
    assert known.min() >= -1e-9
    assert known.max() <= 1.0 + 1e-9
    assert known.mean(axis=1) == pytest.approx(qualities, abs=1e-6)


def test_one_tier_is_worth_its_mean_less_its_cost() -> None:
    """Without movement nothing but the prediction counts."""
    found = best_continuation(0.5, np.full((1, 8), 0.8), np.array([0.1]))
    assert found.order == (0,)
    assert found.gain == pytest.approx(0.2)


def test_a_later_tier_is_paid_for_only_where_it_is_reached() -> None:
    """Cheap tier right or wrong by halves and known at once: the dear one costs half its price."""
    known = np.stack([np.tile([0.0, 1.0], 4), np.ones(8)])
    found = best_continuation(0.0, known, np.array([0.01, 0.4]))
    assert found.order == (0, 1)
    assert found.gain == pytest.approx(1.0 - 0.01 - 0.5 * 0.4)


def test_the_sample_is_large_enough() -> None:
    """Sixteen times the draws move a three-tier value by less than 0.005."""
    qualities, movement, costs = np.array([0.6, 0.8, 0.95]), 0.5 * np.eye(3), np.array([0.01, 0.03, 0.2])
    gains = [
        best_continuation(0.3, outcomes(qualities, movement, normal_draws(count, 3)), costs).gain
        for count in (DRAW_COUNT, 16 * DRAW_COUNT)
    ]
    assert gains[0] == pytest.approx(gains[1], abs=0.005)


@given(PROBABILITY, PROBABILITY, st.lists(PROBABILITY, min_size=1, max_size=4), st.integers(0, 99))
def test_the_gain_falls_as_the_answer_at_hand_improves(
    first: float, second: float, qualities: list[float], seed: int
) -> None:
    """The less there is to gain, the less is gained."""
    costs = np.sort(np.random.default_rng(seed).random(len(qualities)) / 4)
    known = outcomes(np.array(qualities), 0.5 * np.eye(len(qualities)), DRAWS)
    low, high = sorted((first, second))
    assert best_continuation(high, known, costs).gain <= best_continuation(low, known, costs).gain + 1e-9
