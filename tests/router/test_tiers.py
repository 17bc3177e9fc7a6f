"""Prices and limits of tiers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.echo import EchoBackend, EchoOptions
from backends.load import Load
from backends.types import Usage
from router.tiers import Limits, Price, Tier
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


class BusyBackend(EchoBackend):
    """An echo that says how busy it is."""

    load = Load(2, 0, 2, pass_token_count=8, pass_s=0.5, read_s=0.01, token_s=0.1, answer_s=4.0)


def test_expects_what_the_model_says_of_itself() -> None:
    """Where a backend tells its load, a longer prompt and a longer queue at the door take longer."""
    tier = Tier("local", "echo", BusyBackend(EchoOptions(model="m")), Price(), Limits())
    rates = tier.rates(10)
    assert rates.first_token_s == pytest.approx(2.0 + 2 * 0.5 + 0.1)
    assert rates.token_s == 0.1
    assert tier.rates(20).first_token_s > rates.first_token_s
    tier.gate.queued_count = 2
    assert tier.rates(10).first_token_s == pytest.approx(rates.first_token_s + 4.0)
    assert tier.status().load == BusyBackend.load


class LoadingBackend(EchoBackend):
    """An echo with a method that happens to have the name."""

    def load(self) -> None: ...


def test_a_stranger_of_that_name_is_no_load() -> None:
    """A backend of somebody else may have a method load()."""
    assert Tier("local", "echo", LoadingBackend(EchoOptions(model="m")), Price(), Limits()).load is None


def test_expects_what_was_measured_where_the_model_says_nothing() -> None:
    """A service elsewhere has no load, so the tier's own pace counts."""
    tier = echo_tier("edge", limits=Limits(typical_latency_s=3.0))
    assert tier.rates(10).first_token_s == tier.rates(1000).first_token_s == 3.0
    assert tier.status().load is None
