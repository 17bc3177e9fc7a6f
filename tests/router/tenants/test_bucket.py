"""Token buckets: what fits when, whatever the clock does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.tenants.bucket import TokenBucket


def test_a_burst_and_then_the_rate() -> None:
    """What is in it at once, then one by one."""
    bucket = TokenBucket(3.0, 2.0, 0.0)
    for _ in range(3):
        assert bucket.wait_s(1.0, 0.0) == 0.0
        bucket.take(1.0, 0.0)
    assert bucket.wait_s(1.0, 0.0) == pytest.approx(0.5)
    assert bucket.wait_s(1.0, 0.5) == 0.0


def test_more_than_it_holds_takes_a_full_bucket_and_a_debt() -> None:
    """So a large request is served, and paid for afterwards."""
    bucket = TokenBucket(10.0, 1.0, 0.0)
    assert bucket.wait_s(25.0, 0.0) == 0.0
    bucket.take(25.0, 0.0)
    assert bucket.wait_s(1.0, 0.0) == 16.0


def test_what_is_given_back_does_not_pile_up() -> None:
    """It never holds more than it can."""
    bucket = TokenBucket(10.0, 1.0, 0.0)
    bucket.take(-50.0, 0.0)
    bucket.take(10.0, 0.0)
    assert bucket.wait_s(1.0, 0.0) == 1.0


def test_a_clock_that_goes_back_gives_nothing() -> None:
    """Neither now nor when it comes by again."""
    bucket = TokenBucket(1.0, 1.0, 100.0)
    bucket.take(1.0, 100.0)
    assert bucket.wait_s(1.0, 50.0) == 1.0
    assert bucket.wait_s(1.0, 50.5) == 0.5


@given(
    st.lists(st.tuples(st.floats(0.0, 10.0), st.floats(0.1, 5.0)), max_size=50),
    st.floats(1.0, 20.0),
    st.floats(0.1, 5.0),
)
def test_no_more_than_a_burst_and_the_rate(
    asks: list[tuple[float, float]], capacity: float, rate: float
) -> None:
    """In any time, however it is asked; and what was said to fit later does."""
    bucket, now_s, taken = TokenBucket(capacity, rate, 0.0), 0.0, 0.0
    for later_s, amount in asks:
        now_s += later_s
        fitting = min(amount, capacity)
        now_s += bucket.wait_s(fitting, now_s)
        assert bucket.wait_s(fitting, now_s) < 1e-6
        bucket.take(fitting, now_s)
        taken += fitting
        assert taken <= capacity + rate * now_s + 1e-6
