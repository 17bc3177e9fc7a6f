"""The price of money at which an average budget is spent."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from policies.base import Candidate, State, Try
from policies.cascade_routing import CascadeRouting, CascadeRoutingOptions
from policies.learnt import Learnt
from policies.outcomes import OutcomeRecord
from policies.replay import replay, view_of
from policies.shadow_price import ShadowPrice, dear_share, find_shadow_price
from tests.policies.ladder import COSTS_USD_MICROS, TIERS

EDGE, TOP = Candidate("edge", 0.6, 20.0), Candidate("top", 0.9, 1020.0)
BOUNDS = (1.0, 1e6)
TIED_AT = 300.0
"""A thousandth of a dollar more gains 0.3."""


def mean_cost(price: float) -> float:
    """A thousand equal requests: all of them choose alike, and flip where the two tiers are tied."""
    policy = CascadeRouting(CascadeRoutingOptions(value_of_correct_usd=1.0 / price))
    verdict = policy.decide(State((EDGE, TOP)))
    assert isinstance(verdict, Try)
    return {"edge": 20.0, "top": 1020.0}[verdict.tier]


def test_ties_are_mixed_towards_the_budget() -> None:
    """P(dearest) = (B - c_cheap) / (c_dear - c_cheap) at the price where both are worth the same."""
    found = find_shadow_price(mean_cost, 270.0, BOUNDS)
    assert found.dear_share == pytest.approx(0.25)
    assert found.dear <= TIED_AT <= found.cheap <= 1.001 * found.dear


def test_the_requests_own_draw_decides_which_side_it_is_on() -> None:
    """So a quarter of evenly drawn requests takes the dear tier, and the budget is spent."""
    found = find_shadow_price(mean_cost, 270.0, BOUNDS)
    spent = [mean_cost(found.at(draw)) for draw in (np.arange(1000) + 0.5) / 1000]
    assert np.mean(spent) == pytest.approx(270.0)


@pytest.mark.parametrize(("budget", "price"), [(5000.0, BOUNDS[0]), (1.0, BOUNDS[1])])
def test_a_budget_out_of_reach_ends_at_a_bound(budget: float, price: float) -> None:
    """What pays for everything buys everything, and what pays for nothing buys the least."""
    found = find_shadow_price(mean_cost, budget, BOUNDS)
    assert found.at(0.0) == found.at(0.999) == price


@given(st.floats(-1e3, 1e3), st.floats(0.0, 1e3), st.floats(0.0, 1e3))
def test_the_share_is_a_probability(budget: float, first: float, second: float) -> None:
    """Whatever the budget, and however close the costs."""
    cheap, dear = sorted((first, second))
    assert 0.0 <= dear_share(budget, cheap, dear) <= 1.0


@given(st.lists(st.floats(0.01, 1e4), min_size=1, max_size=20), st.floats(0.0, 1.0))
def test_the_budget_is_met_on_any_staircase(steps: list[float], place: float) -> None:
    """Mixing both sides of the price found costs what the budget is."""

    def cost(price: float) -> float:
        return float(sum(price < step for step in steps))

    budget = cost(1e5) + place * (cost(1e-3) - cost(1e5))
    found = find_shadow_price(cost, budget, (1e-3, 1e5))
    mixed = found.dear_share * cost(found.dear) + (1.0 - found.dear_share) * cost(found.cheap)
    assert mixed == pytest.approx(budget, abs=1e-9)


def test_a_learnt_ladder_spends_its_budget(learnt: Learnt, graded: list[OutcomeRecord]) -> None:
    """Replayed at the price found, cascade routing costs on average what it may."""
    views = [view_of(learnt, record, TIERS) for record in graded[:150]]
    table = np.tile(list(COSTS_USD_MICROS.values()), (len(views), 1))

    def run(price: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        policy = CascadeRouting(CascadeRoutingOptions(value_of_correct_usd=1.0 / price), learnt.joint)
        return replay(policy, views, COSTS_USD_MICROS).costs(table)

    found = find_shadow_price(lambda price: float(run(price).mean()), 250.0, (1.0, 1e6))
    mixed = found.dear_share * run(found.dear).mean() + (1 - found.dear_share) * run(found.cheap).mean()
    assert mixed == pytest.approx(250.0, rel=0.01)


def test_the_state_overrules_the_policys_own_price() -> None:
    """The router knows what was spent; the policy does not."""
    policy = CascadeRouting(CascadeRoutingOptions(budget_usd_per_request=0.0005))
    assert policy.decide(State((EDGE, TOP), shadow_price=0.9 * TIED_AT)) == Try("top", "best_value")
    assert policy.decide(State((EDGE, TOP), shadow_price=1.1 * TIED_AT)) == Try("edge", "best_value")
    assert policy.decide(State((EDGE, TOP))) == Try("top", "best_value")


@pytest.mark.parametrize("options", [{}, {"value_of_correct_usd": 1.0, "budget_usd_per_request": 1.0}])
def test_either_a_value_or_a_budget_is_given(options: dict[str, float]) -> None:
    """Both would contradict each other, and neither says nothing."""
    with pytest.raises(ValidationError, match="either value_of_correct_usd or budget_usd_per_request"):
        CascadeRoutingOptions.model_validate(options)


def test_it_is_written_and_read() -> None:
    """As plain values."""
    price = ShadowPrice(1.0, 2.0, 0.5)
    assert ShadowPrice(**price.to_json()) == price
