"""How often calls are repeated, over all requests."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from router.resilience.settings import Retrying
from router.resilience.throttle import Throttle

SETTINGS = Retrying(max_count=10, ratio=0.2, burst=10)


def test_a_dead_tier_is_soon_asked_once_a_request() -> None:
    """Where everything fails, no more than the burst is repeated."""
    throttle = Throttle(SETTINGS)
    assert [throttle.failed() for _ in range(100)].count(True) == 10


def test_successes_earn_repetitions() -> None:
    """Every fifth answer earns one, at a ratio of a fifth."""
    throttle = Throttle(SETTINGS)
    while throttle.failed():
        pass
    while not throttle.take():
        throttle.succeeded()
    answers = 0
    while not throttle.take():
        throttle.succeeded()
        answers += 1
    assert answers == 5


@given(st.lists(st.lists(st.booleans(), min_size=1, max_size=12), max_size=200), st.booleans())
def test_calls_never_exceed_the_configured_multiple(requests: list[list[bool]], hedges: bool) -> None:
    """N requests are never more than N * (1 + ratio) + burst calls, whichever of them fail and in what order.

    Each request is a list of how its calls would end: it is repeated while they fail, as far as allowed, and
    hedged first where the test says so.
    """
    throttle = Throttle(SETTINGS)
    call_count = 0
    for outcomes in requests:
        if hedges and throttle.take():
            call_count += 1
        for is_good in outcomes:
            call_count += 1
            if is_good:
                throttle.succeeded()
                break
            if not throttle.failed():
                break
    assert call_count <= len(requests) * (1 + SETTINGS.ratio) + SETTINGS.burst
