"""One cost for money, waiting and energy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.types import Message, Prompt, Role
from policies.costs import MONEY_ALONE, Rates, Weights, attempt_cost, rest_cost
from policies.outcomes import Outcome, OutcomeRecord
from policies.recorded_costs import recorded_cost

RATES = Rates(1e6, 2e6, first_token_s=0.5, token_s=0.01, watts=36.0, joules_per_token=0.2)
AMOUNT = st.floats(0.0, 1e4)


def record(cost_usd: float | None = None, latency_s: float | None = None) -> OutcomeRecord:
    outcome = Outcome(1.0, {}, 101, cost_usd=cost_usd, latency_s=latency_s)
    return OutcomeRecord(Prompt((Message(Role.USER, "x" * 40),)), {"edge": outcome})


def test_money_alone_counts_by_default() -> None:
    """Tokens times their prices, in millionths of a dollar."""
    cost = attempt_cost(RATES, MONEY_ALONE, 10, 20)
    assert (cost.usd_micros, cost.latency_usd_micros, cost.energy_usd_micros) == (50.0, 0.0, 0.0)


def test_waiting_counts_from_the_question_to_the_last_token() -> None:
    """The first token's delay, then each further token's, times what a second is worth."""
    cost = attempt_cost(RATES, Weights(latency_usd_per_s=0.001), 10, 101)
    assert cost.latency_usd_micros == pytest.approx(1.5 * 1000.0)


def test_energy_is_power_over_time_and_a_share_of_each_token() -> None:
    """36 W over 1.5 s and 0.2 J for each of 111 tokens are 76.2 J."""
    cost = attempt_cost(RATES, Weights(energy_usd_per_kwh=0.36), 10, 101)
    assert cost.energy_usd_micros == pytest.approx(76.2 / 3.6e6 * 0.36 * 1e6)


@given(AMOUNT, AMOUNT, AMOUNT, st.floats(0.0, 10.0), st.floats(0.0, 10.0))
def test_a_longer_answer_never_costs_less(
    read: float, written: float, more: float, second: float, energy: float
) -> None:
    """Whatever the weights; and what is left of an answer never costs more than the whole."""
    weights = Weights(second, energy)
    whole = attempt_cost(RATES, weights, read, written + more).usd_micros
    assert attempt_cost(RATES, weights, read, written).usd_micros <= whole
    assert rest_cost(RATES, weights, max(written + more - 1.0, 0.0)).usd_micros <= whole


def test_what_was_measured_of_an_answer_counts_as_measured() -> None:
    """Recorded money and time stand in for those that rates predict."""
    weights = Weights(latency_usd_per_s=1.0)
    cost = recorded_cost(record(cost_usd=0.007, latency_s=2.0), "edge", RATES, weights)
    assert (cost.money_usd_micros, cost.latency_usd_micros) == (7000.0, 2e6)


def test_what_was_not_measured_is_reckoned_as_before_an_attempt() -> None:
    """From the prompt's and the answer's length, by the function that serves."""
    weights = Weights(latency_usd_per_s=1.0)
    assert recorded_cost(record(), "edge", RATES, weights) == attempt_cost(RATES, weights, 10.0, 101)
