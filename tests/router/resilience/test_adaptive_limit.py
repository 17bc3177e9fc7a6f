"""How many calls run at once follows how soon the first token comes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from router.resilience.adaptive_limit import AdaptiveLimit
from router.resilience.settings import Adapting


def feed(limit: AdaptiveLimit, latency_s: float, count: int) -> None:
    """Calls that all wait so long, as many at once as are let in."""
    for _ in range(count):
        limit.sample(latency_s, limit.current)


def test_it_begins_at_the_most_and_stays_there_while_all_is_well() -> None:
    """Steady latency is no reason to let fewer in."""
    limit = AdaptiveLimit(Adapting(enabled=True), 32)
    feed(limit, 0.1, 500)
    assert limit.current == 32


def test_it_shrinks_where_latency_grows() -> None:
    """Latency far beyond the long run's lets fewer in, and the old latency lets all in again."""
    limit = AdaptiveLimit(Adapting(enabled=True), 32)
    feed(limit, 0.1, 500)
    feed(limit, 1.0, 200)
    low = limit.current
    assert low < 24
    feed(limit, 0.1, 2000)
    assert limit.current == 32


def test_a_server_that_queues_is_found_out() -> None:
    """Where eight are answered at once in 0.1 s and others wait, not many more run."""
    limit = AdaptiveLimit(Adapting(enabled=True, tolerance=1.5), 100)
    for _ in range(50):
        limit.sample(0.1, 4)
    for _ in range(3000):
        running = limit.current
        limit.sample(0.1 * max(1.0, running / 8), running)
    assert 8 <= limit.current < 28


def test_a_single_slow_call_says_little() -> None:
    """One long prompt among short ones moves nothing: the median counts."""
    limit = AdaptiveLimit(Adapting(enabled=True), 16)
    for number in range(1000):
        limit.sample(5.0 if number % 5 == 0 else 0.1, limit.current)
    assert limit.current == 16


def test_few_calls_say_nothing_about_many() -> None:
    """Latency measured at one call at a time does not shrink the limit."""
    limit = AdaptiveLimit(Adapting(enabled=True), 32)
    feed(limit, 0.1, 100)
    for _ in range(500):
        limit.sample(9.0, 1)
    assert limit.current == 32


def test_overload_cuts_once_for_all_that_ran() -> None:
    """Thirty answers of 429 in a row are one piece of news, not thirty."""
    limit = AdaptiveLimit(Adapting(enabled=True), 100)
    for _ in range(30):
        limit.overloaded()
    assert limit.current == 90


def test_it_can_be_turned_off() -> None:
    """Then the configured limit holds whatever happens."""
    limit = AdaptiveLimit(Adapting(enabled=False), 8)
    feed(limit, 0.1, 100)
    feed(limit, 10.0, 100)
    limit.overloaded()
    assert limit.current == 8


@given(
    st.integers(1, 64),
    st.integers(1, 64),
    st.lists(st.tuples(st.floats(0.0, 100.0), st.booleans()), max_size=400),
)
def test_it_stays_within_its_bounds(least: int, most: int, calls: list[tuple[float, bool]]) -> None:
    """Whatever comes, the limit is at least the least (or the most, if that is less) and at most the most."""
    limit = AdaptiveLimit(Adapting(enabled=True, min_concurrency=least), most)
    for latency_s, is_full in calls:
        if is_full:
            limit.overloaded()
        else:
            limit.sample(latency_s, limit.current)
        assert min(least, most) <= limit.current <= most
