"""An average budget, kept online: what is spent converges, recovers, and never swings."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.base import Candidate, State, Try
from policies.cascade_routing import CascadeRouting, CascadeRoutingOptions
from policies.shadow_price import ShadowPrice
from router.request import Request
from router.spending import Spending
from tests.router.conftest import House, ask, echo_tier

EDGE_USD, TOP_USD, BUDGET_USD = 0.00002, 0.001, 0.0003
POLICY = CascadeRouting(CascadeRoutingOptions(budget_usd_per_request=BUDGET_USD, min_gain=0.0))


class Traffic:
    """Requests whose gain from the top tier is uniform up to ``gain``, decided by the real policy."""

    def __init__(self, spending: Spending, seed: int = 0, in_flight_count: int = 1) -> None:
        self.spending = spending
        self.in_flight: list[int] = []
        self.in_flight_count = in_flight_count
        self.random = np.random.default_rng(seed)

    def run(self, count: int, gain: float) -> list[int]:
        """Costs of ``count`` requests in millionths of a dollar; each is booked when others have begun."""
        return [self._one(gain) for _ in range(count)]

    def _one(self, gain: float) -> int:
        candidates = (
            Candidate("edge", 0.4, 1e6 * EDGE_USD),
            Candidate("top", 0.4 + gain * self.random.random(), 1e6 * TOP_USD),
        )
        self.spending.began()
        price = self.spending.price(self.random.random())
        verdict = POLICY.decide(State(candidates, shadow_price=price))
        assert isinstance(verdict, Try)
        cost = round(1e6 * (EDGE_USD if verdict.tier == "edge" else TOP_USD))
        self.in_flight.append(cost)
        if len(self.in_flight) >= self.in_flight_count:
            self.spending.booked(self.in_flight.pop(0))
        return cost


@pytest.mark.parametrize("dear_share", [0.0, 0.25, 1.0])
def test_ties_are_mixed_as_calibration_found(dear_share: float) -> None:
    """Before anything was spent, that share of the draws is decided below the price where tiers are tied."""
    spending = Spending(BUDGET_USD, ShadowPrice(300.0, 300.0, dear_share))
    prices = np.array([spending.price(draw) for draw in (np.arange(1000) + 0.5) / 1000])
    assert np.mean(prices < 300.0) == pytest.approx(dear_share, abs=0.001)


def off_by(costs: list[int]) -> float:
    """How far the average is from the budget, as a share of it."""
    return abs(float(np.mean(costs)) / 1e6 / BUDGET_USD - 1.0)


@pytest.mark.parametrize("in_flight_count", [1, 64, 256])
def test_the_average_converges_to_the_budget(in_flight_count: int) -> None:
    """Within 3 % over thousands of requests, whether they come one by one or many at once."""
    traffic = Traffic(Spending(BUDGET_USD), in_flight_count=in_flight_count)
    traffic.run(3000, gain=0.5)
    assert off_by(traffic.run(6000, gain=0.5)) < 0.03


def test_it_recovers_when_the_traffic_shifts() -> None:
    """Requests that gain a fifth, and then five times as much, soon cost what they may again."""
    traffic = Traffic(Spending(BUDGET_USD))
    for gain in (0.5, 0.1, 0.5):
        traffic.run(1500, gain)
        assert off_by(traffic.run(4000, gain)) < 0.04


@pytest.mark.parametrize("in_flight_count", [1, 64, 256])
def test_it_never_swings(in_flight_count: int) -> None:
    """Once settled, the price stays within a third of its mean, and averages of 500 within a quarter."""
    spending = Spending(BUDGET_USD)
    traffic = Traffic(spending, in_flight_count=in_flight_count)
    traffic.run(4000, gain=0.5)
    prices, costs = [], []
    for _ in range(12):
        costs.append(traffic.run(500, gain=0.5))
        prices.append(spending.price(0.5))
    assert max(prices) < 1.33 * float(np.mean(prices))
    assert min(prices) > 0.67 * float(np.mean(prices))
    assert max(map(off_by, costs)) < 0.25


def test_equal_requests_are_mixed_to_the_budget() -> None:
    """All are tied at one price; their draws divide them as the formula of ties does."""
    spending = Spending(BUDGET_USD)
    traffic = Traffic(spending)
    traffic.random = np.random.default_rng(1)
    tied = (Candidate("edge", 0.4, 1e6 * EDGE_USD), Candidate("top", 0.7, 1e6 * TOP_USD))
    dear = []
    for _ in range(8000):
        state = State(tied, shadow_price=spending.price(traffic.random.random()))
        dear.append(POLICY.decide(state) == Try("top", "best_value"))
        spending.booked(round(1e6 * (TOP_USD if dear[-1] else EDGE_USD)))
    asked = (BUDGET_USD - EDGE_USD) / (TOP_USD - EDGE_USD)
    assert np.mean(dear[2000:]) == pytest.approx(asked, rel=0.03)


@given(st.lists(st.integers(0, 10**9), max_size=200), st.floats(1e-9, 1e3))
def test_the_price_stays_within_bounds_and_steps_are_small(costs: list[int], budget_usd: float) -> None:
    """Whatever is booked: no cost moves it by more than a tenth."""
    spending = Spending(budget_usd)
    before = spending.price(0.5)
    for cost in costs:
        spending.booked(cost)
        after = spending.price(0.5)
        assert 0.9 < after / before < 1.1
        assert 0.9e-3 < after * budget_usd < 1.1
        before = after


def test_it_begins_where_calibration_left_it() -> None:
    """The price that was found on records holds until something was spent."""
    spending = Spending(BUDGET_USD, ShadowPrice(290.0, 310.0, 0.4))
    assert spending.price(0.5) == pytest.approx(300.0, rel=0.01)


def test_a_low_draw_is_decided_dearly() -> None:
    """As it is where ties are mixed: the share of dear requests is that of the lowest draws."""
    spending = Spending(BUDGET_USD)
    assert spending.price(0.0) < spending.price(0.5) < spending.price(0.99)


def test_threads_lose_no_booking() -> None:
    """The sum of what many book at once is what one would have booked."""
    alone, together = Spending(BUDGET_USD), Spending(BUDGET_USD)
    cost = round(1.02e6 * BUDGET_USD)
    for _ in range(2000):
        alone.booked(cost)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(together.booked, [cost] * 2000))
    assert together.price(0.5) == pytest.approx(alone.price(0.5))


async def test_the_router_books_what_requests_cost_and_decides_by_it() -> None:
    """A house that spends too much at first comes to its budget by itself."""
    tiers = [echo_tier("edge", price=1_000_000, logprob=-0.5), echo_tier("top", price=50_000_000)]
    spending = Spending(100e-6)
    router = House(tiers, policy=POLICY, spending=spending).router()

    async def spent(request: Request) -> int:
        events = [event async for event in router.run(request)]
        return events[-1].cost_usd_micros  # type: ignore[union-attr]

    costs: list[int] = []
    for wave in range(60):
        waiting = (spent(ask("a b c d", id=f"{wave}-{number}")) for number in range(25))
        costs += await asyncio.gather(*waiting)
    assert np.mean(costs[:100]) > 150.0
    assert np.mean(costs[-500:]) == pytest.approx(100.0, rel=0.1)
