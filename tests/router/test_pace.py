"""What is expected of a tier's speed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.pace import Pace
from tests.router.conftest import House, ask, echo_tier

SECONDS = st.floats(0.0, 100.0)


def test_until_something_was_measured_an_answer_takes_what_is_configured() -> None:
    """Whatever its length."""
    assert Pace(2.0).expected() == (2.0, 0.0)


def test_the_first_measurement_replaces_the_guess() -> None:
    """Ten tokens after the first within a second are a tenth each."""
    pace = Pace(2.0)
    pace.measured(0.5, 1.5, 11)
    assert pace.expected() == pytest.approx((0.5, 0.1))


def test_it_follows_a_tier_that_slows_down() -> None:
    """After two hundred slow answers the fast ones are forgotten."""
    pace = Pace(2.0)
    for latency_s in [1.0] * 100 + [3.0] * 200:
        pace.measured(latency_s / 2, latency_s, 11)
    assert pace.expected()[0] == pytest.approx(1.5, rel=0.01)


def test_a_tier_that_nobody_asks_gets_another_chance() -> None:
    """One slow answer does not shut it out for good."""
    pace = Pace(0.1)
    pace.measured(30.0, 31.0, 2)
    expected = [pace.expected()[0] for _ in range(501)]
    assert (expected[0], expected[499], expected[500]) == (30.0, 30.0, 0.1)


@given(st.lists(st.tuples(SECONDS, SECONDS, st.integers(0, 50)), min_size=1))
def test_an_average_stays_within_what_was_measured(seen: list[tuple[float, float, int]]) -> None:
    """It neither overshoots nor turns negative."""
    pace = Pace(1.0)
    for first_s, rest_s, count in seen:
        pace.measured(first_s, first_s + rest_s, count)
    first_token_s, token_s = pace.expected()
    assert min(f for f, _, _ in seen) - 1e-9 <= first_token_s <= max(f for f, _, _ in seen) + 1e-9
    assert 0.0 <= token_s <= max(rest for _, rest, _ in seen) + 1e-9


async def test_an_answer_that_was_served_is_measured() -> None:
    """On the request's own clock: a token every tick, and what it waited for the first."""
    ticks = iter(range(10_000))
    tier = echo_tier("edge", reply="one two three four five")
    await House([tier], clock=lambda: float(next(ticks))).result(ask())
    first_token_s, _ = tier.pace.expected()
    assert 0.0 < first_token_s < 100.0
    assert first_token_s != tier.limits.typical_latency_s
