"""Prices and limits of tiers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from backends.types import Usage
from router.tiers import Price
from tests.router.conftest import echo_tier

counts = st.integers(0, 10**6)
prices = st.integers(0, 10**9)


def test_cost_is_rounded_up() -> None:
    """A fraction of a millionth is billed as a whole one."""
    assert Price(1, 1).cost_usd_micros(Usage(1, 0)) == 1
    assert Price(0, 0).cost_usd_micros(Usage(10, 10)) == 0


def test_what_a_cache_gave_has_a_price_of_its_own() -> None:
    """Cached input costs less, where a price says so, and only then."""
    usage = Usage(1_000_000, 0, 400_000)
    assert Price(10, 0, 1).cost_usd_micros(usage) == 6 + 1
    assert Price(10, 0).cost_usd_micros(usage) == 10


@given(counts, prices, prices, st.integers(0, 10**12))
def test_what_is_affordable_is_paid_for(inputs: int, price_in: int, price_out: int, money: int) -> None:
    """Generating as many tokens as the money affords never costs more than the money."""
    price = Price(price_in, price_out)
    affordable = price.affordable_output_token_count(money, inputs)
    if affordable:
        assert price.cost_usd_micros(Usage(inputs, affordable)) <= money


def test_the_output_limit_is_the_least_of_all() -> None:
    """What the caller, the tier and the context allow: the least holds."""
    tier = echo_tier("edge", context_token_count=100)
    assert tier.output_token_limit(50, 10) == 50
    assert tier.output_token_limit(50, 80) == 20
    assert tier.output_token_limit(None, 100) == 0


def test_the_limit_adapts_where_nobody_says_how_much_the_tier_stands() -> None:
    """By default that is beyond this machine; an engine here has as many places as it has."""
    here, away = echo_tier("edge"), echo_tier("frontier", external=True)
    for tier in (here, away):
        for _ in range(20):
            tier.guard.limit.overloaded()
    assert here.guard.limit.current == 8
    assert away.guard.limit.current < 8
