"""Off-policy estimates, on logs of which the truth is known: unbiased, and intervals that hold."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.odds import Floats
from policies.offpolicy import (
    Estimate,
    Log,
    direct,
    doubly_robust,
    effective_sample_size,
    inverse_propensity,
    labels_needed,
    self_normalised,
)

COUNT, RUNS = 2000, 400
Estimator = Callable[[Log], Estimate]


def drawn(seed: int, *, model_error: float = 0.0, propensity_error: float = 1.0) -> tuple[Log, float]:
    """A log of losses in {0, 1} that depend on a hard-to-see difficulty, and their mean over all traffic.

    Hard requests are observed more often, so the plain mean of what was observed is wrong.
    """
    rng = np.random.default_rng(seed)
    difficulty = rng.uniform(size=COUNT)
    chance = 0.02 + 0.3 * difficulty**2
    losses = (rng.uniform(size=COUNT) < chance).astype(np.float64)
    propensities = 0.05 + 0.4 * difficulty
    is_seen = rng.uniform(size=COUNT) < propensities
    predicted = chance + model_error * (0.5 - difficulty) + model_error / 4
    observed = np.where(is_seen, losses, np.nan)
    return Log(predicted, observed, np.minimum(1.0, propensity_error * propensities)), TRUTH


TRUTH = 0.02 + 0.3 / 3


def ran(estimator: Estimator, **errors: float) -> tuple[Floats, float]:
    """Values over many logs, and how often the interval held the truth."""
    values, held = [], 0
    for seed in range(RUNS):
        log, truth = drawn(seed, **errors)
        found = estimator(log).figure()
        assert found.value is not None
        assert found.low is not None
        assert found.high is not None
        values.append(found.value)
        held += found.low <= truth <= found.high
    return np.array(values), held / RUNS


@pytest.mark.parametrize("estimator", [inverse_propensity, self_normalised, doubly_robust])
def test_estimates_are_unbiased_and_their_intervals_hold(estimator: Estimator) -> None:
    """With right propensities: off by less than four standard errors of the mean, covered about 95 %."""
    values, coverage = ran(estimator)
    assert abs(values.mean() - TRUTH) < 4 * values.std() / math.sqrt(RUNS)
    assert 0.91 <= coverage <= 0.985


def test_a_wrong_model_does_not_harm_the_doubly_robust_estimate() -> None:
    """Propensities put right what the model gets wrong; the model alone stays wrong, and surely so."""
    values, coverage = ran(doubly_robust, model_error=0.2)
    assert abs(values.mean() - TRUTH) < 4 * values.std() / math.sqrt(RUNS)
    assert coverage >= 0.91
    _, direct_coverage = ran(direct, model_error=0.2)
    assert direct_coverage < 0.05


def test_a_right_model_carries_the_doubly_robust_estimate_through_wrong_propensities() -> None:
    """The other way round; inverse propensities alone are off by the factor that they are wrong by."""
    values, _ = ran(doubly_robust, propensity_error=0.5)
    assert abs(values.mean() - TRUTH) < 4 * values.std() / math.sqrt(RUNS)
    ips, _ = ran(inverse_propensity, propensity_error=0.5)
    assert ips.mean() == pytest.approx(2 * TRUTH, rel=0.05)


def test_a_model_makes_the_estimate_steadier() -> None:
    """That is what it is for."""
    assert ran(doubly_robust)[0].std() < ran(inverse_propensity)[0].std()


@given(st.lists(st.floats(0.05, 1.0), min_size=2, max_size=30), st.floats(-1.0, 1.0))
def test_the_same_outcome_everywhere_is_the_self_normalised_estimate(
    propensities: list[float], outcome: float
) -> None:
    """Whatever the weights: it never leaves what was seen."""
    count = len(propensities)
    log = Log(np.zeros(count), np.full(count, outcome), np.array(propensities))
    assert self_normalised(log).value == pytest.approx(outcome, abs=1e-9)
    assert 1.0 - 1e-9 <= effective_sample_size(log) <= count + 1e-9


def test_equal_weights_count_in_full() -> None:
    """And what was not observed does not."""
    log = Log(np.zeros(4), np.array([1.0, 0.0, np.nan, 1.0]), np.full(4, 0.5))
    assert effective_sample_size(log) == pytest.approx(3.0)


def test_nothing_observed_is_nothing_known() -> None:
    """Neither a value nor an interval."""
    log = Log(np.zeros(3), np.full(3, np.nan), np.full(3, 0.5))
    assert self_normalised(log).figure().value is None
    assert inverse_propensity(Log(*np.empty((3, 0)))).figure().value is None
    assert effective_sample_size(log) == 0.0


def test_the_labels_that_are_said_to_be_needed_suffice() -> None:
    """At the rate that they come, a log with so many has an interval as narrow as was asked for."""
    log, _ = drawn(1)
    seen = int((~np.isnan(log.observed)).sum())
    found = doubly_robust(log).figure()
    assert found.low is not None
    assert found.high is not None
    half = (found.high - found.low) / 2
    assert labels_needed(log, 2 * half) == 0
    more = labels_needed(log, half / 2)
    assert 1.5 * seen < more < 4.5 * seen


def test_rows_that_are_certain_need_no_labels() -> None:
    """A request that ends at the top tier has lost nothing by definition."""
    log = Log(np.zeros(5), np.zeros(5), np.ones(5))
    assert labels_needed(log, 0.001) == 0
    assert doubly_robust(log).figure(slack=0.01).high == pytest.approx(0.01)
