"""P-values never flatter: at the boundary of the null small ones are no more common than they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, multinomial

from policies.guarantee.net_level import exact_size, net_level
from policies.guarantee.p_values import bets_for, graded_p_value, harm_p_value, net_p_value, net_score

MAX_LOSS = st.sampled_from((0.005, 0.01, 0.02, 0.05, 0.1))
COUNTS = st.integers(10, 5000)


@given(COUNTS, MAX_LOSS, st.floats(0.001, 0.5))
def test_harm_p_values_are_conservative_at_the_boundary(count: int, max_loss: float, level: float) -> None:
    """P(p-value <= level) <= level where exactly the share allowed is harmed."""
    harm = np.arange(count + 1)
    rejected = harm_p_value(harm, count, max_loss) <= level
    assert binom.pmf(harm[rejected], count, max_loss).sum() <= level + 1e-9


@pytest.mark.parametrize(("harm", "gain", "count"), [(0, 0, 300), (7, 3, 500), (40, 90, 2000), (5, 0, 100)])
def test_net_score_solves_its_likelihood_equation(harm: int, gain: int, count: int) -> None:
    """The share of gains in the score is the one that makes the sample likeliest under the null."""
    max_loss = 0.02
    shares = np.linspace(1e-9, 0.49, 400_001)
    with np.errstate(divide="ignore", invalid="ignore"):
        likelihood = (
            harm * np.log(shares + max_loss)
            + gain * np.log(shares)
            + (count - harm - gain) * np.log(1.0 - 2.0 * shares - max_loss)
        )
    best = shares[np.nanargmax(likelihood)]
    expected = (harm - gain - count * max_loss) / np.sqrt(count * (2.0 * best + max_loss - max_loss**2))
    assert net_score(harm, gain, count, max_loss) == pytest.approx(expected, abs=2e-3)


@given(st.data(), st.integers(20, 400), MAX_LOSS)
def test_more_harm_or_less_gain_never_looks_better(data: st.DataObject, count: int, max_loss: float) -> None:
    """The score rises with every harm and falls with every gain."""
    harm = data.draw(st.integers(0, count - 1))
    gain = data.draw(st.integers(0, count - harm - 1))
    here = net_score(harm, gain, count, max_loss)
    assert net_score(harm + 1, gain, count, max_loss) >= here
    assert net_score(harm, gain + 1, count, max_loss) <= here
    if gain:
        assert net_score(harm + 1, gain - 1, count, max_loss) >= here


@pytest.mark.parametrize("error_rate", [0.01, 0.0125, 0.05, 0.1, 0.2])
@pytest.mark.parametrize("count", [50, 100, 300, 1000])
@pytest.mark.parametrize("max_loss", [0.005, 0.02, 0.05])
def test_the_net_test_errs_no_more_often_than_it_may(count: int, max_loss: float, error_rate: float) -> None:
    """Whatever the share of gains, also between those that the level was found with."""
    level = net_level(count, max_loss, error_rate)
    assert exact_size(count, max_loss, level) <= error_rate
    assert exact_size(count, max_loss, 1.2 * error_rate) > level  # the level is no mere zero


def test_the_exact_size_is_that_of_the_trinomial_distribution() -> None:
    """Held against a sum over every outcome of thirty labels."""
    count, max_loss, level = 30, 0.05, 0.2
    harm, gain = (table.ravel() for table in np.meshgrid(np.arange(31), np.arange(31)))
    kept = harm + gain <= count
    harm, gain = harm[kept], gain[kept]
    rejected = net_p_value(harm, gain, count, max_loss) <= level
    outcomes = np.column_stack((harm, gain, count - harm - gain))[rejected]
    sizes = [
        multinomial.pmf(outcomes, count, [q + max_loss, q, 1.0 - 2.0 * q - max_loss]).sum()
        for q in np.linspace(1e-9, 0.47, 60)
    ]
    assert exact_size(count, max_loss, level) == pytest.approx(max(sizes), abs=0.004)


def test_at_a_generous_error_rate_eight_tenths_of_it_would_not_do() -> None:
    """Why the level is computed and not a constant share: 13 % of errors where 10 % are allowed."""
    assert exact_size(100, 0.02, 0.08) > 0.13
    assert net_level(100, 0.02, 0.1) < 0.08


def test_graded_p_values_are_conservative_at_the_boundary() -> None:
    """Of samples with exactly the mean loss allowed, at most one in twenty has p <= .05."""
    rng = np.random.default_rng(3)
    bets = bets_for(np.full(50, 0.005), 0.02)
    losses = rng.beta(0.2, 9.8, size=(800, 400))  # their mean is .02
    small = sum(graded_p_value(sample, 0.02, bets) <= 0.05 for sample in losses)
    assert small <= 800 * 0.05 + 3 * np.sqrt(800 * 0.05 * 0.95)


@given(st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=60), st.data())
def test_a_worse_graded_loss_never_lowers_the_p_value(losses: list[float], data: st.DataObject) -> None:
    """Bets are fixed beforehand, so that every factor falls with its loss."""
    place = data.draw(st.integers(0, len(losses) - 1))
    worse = [*losses]
    worse[place] = data.draw(st.floats(losses[place], 1.0))
    bets = bets_for(np.zeros(5), 0.02)
    assert graded_p_value(np.array(worse), 0.02, bets) >= graded_p_value(np.array(losses), 0.02, bets)
