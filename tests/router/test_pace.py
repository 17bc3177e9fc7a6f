"""What is expected of a tier's speed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.pace import Pace

SECONDS = st.floats(0.0, 100.0)


def test_until_something_was_measured_an_answer_takes_what_is_configured() -> None:
    """Whatever its length."""
    pace = Pace(2.0)
    assert (pace.first_token_s, pace.token_s) == (2.0, 0.0)


def test_the_first_measurement_replaces_the_guess() -> None:
    """Ten tokens after the first within a second are a tenth each."""
    pace = Pace(2.0)
    pace.measured(0.5, 1.5, 11)
    assert pace.first_token_s == 0.5
    assert pace.token_s == pytest.approx(0.1)


def test_it_follows_a_tier_that_slows_down() -> None:
    """After two hundred slow answers the fast ones are forgotten."""
    pace = Pace(2.0)
    for latency_s in [1.0] * 100 + [3.0] * 200:
        pace.measured(latency_s / 2, latency_s, 11)
    assert pace.first_token_s == pytest.approx(1.5, rel=0.01)


@given(st.lists(st.tuples(SECONDS, SECONDS, st.integers(0, 50)), min_size=1))
def test_an_average_stays_within_what_was_measured(seen: list[tuple[float, float, int]]) -> None:
    """It neither overshoots nor turns negative."""
    pace = Pace(1.0)
    for first_s, rest_s, count in seen:
        pace.measured(first_s, first_s + rest_s, count)
    assert min(f for f, _, _ in seen) - 1e-9 <= pace.first_token_s <= max(f for f, _, _ in seen) + 1e-9
    assert 0.0 <= pace.token_s <= max(rest for _, rest, _ in seen) + 1e-9
