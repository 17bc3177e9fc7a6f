"""When a tier is left alone, and how it comes back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.resilience.breaker import Breaker, Circuit
from router.resilience.settings import Breaking
from tests.router.resilience.clock import Clock

SETTINGS = Breaking(failure_share=0.5, min_call_count=4, window_s=30.0, open_s=5.0, max_open_s=20.0)


@pytest.fixture
def clock() -> Clock:
    """The time."""
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    """One that opens after four failures."""
    return Breaker(SETTINGS, clock)


def fail(breaker: Breaker, count: int = 1) -> None:
    """Let calls in that fail."""
    for _ in range(count):
        era = breaker.enter()
        assert era is not None
        breaker.failed(era)


def succeed(breaker: Breaker, count: int = 1) -> None:
    """Let calls in that are answered."""
    for _ in range(count):
        era = breaker.enter()
        assert era is not None
        breaker.succeeded(era)


def test_few_failures_open_nothing(breaker: Breaker) -> None:
    """Below the least number of calls their share says nothing."""
    fail(breaker, 3)
    assert breaker.circuit is Circuit.CLOSED


def test_failures_open_it(breaker: Breaker) -> None:
    """Half of enough calls failed: nobody is let in, and it says for how long."""
    succeed(breaker, 4)
    fail(breaker, 4)
    assert breaker.circuit is Circuit.OPEN
    assert breaker.enter() is None
    assert (breaker.wait_s(), breaker.opened_count) == (5.0, 1)


def test_a_share_below_the_limit_opens_nothing(breaker: Breaker) -> None:
    """A tier that mostly answers is asked."""
    succeed(breaker, 5)
    fail(breaker, 4)
    assert breaker.circuit is Circuit.CLOSED


def test_old_failures_are_forgotten(breaker: Breaker, clock: Clock) -> None:
    """What is older than the window counts no more."""
    fail(breaker, 3)
    clock.now_s += 31.0
    fail(breaker, 3)
    assert breaker.circuit is Circuit.CLOSED


def test_one_call_at_a_time_probes(breaker: Breaker, clock: Clock) -> None:
    """After its time one call is let in; a good one closes the circuit."""
    fail(breaker, 4)
    clock.now_s += 5.0
    assert breaker.circuit == "half_open"
    era = breaker.enter()
    assert era is not None
    assert breaker.enter() is None
    breaker.succeeded(era)
    assert breaker.circuit == "closed"
    succeed(breaker, 3)


def test_a_bad_probe_doubles_the_time(breaker: Breaker, clock: Clock) -> None:
    """Each time that it fails at once it is left alone for twice as long, up to the most; then anew."""
    fail(breaker, 4)
    waits = []
    for _ in range(4):
        clock.now_s += breaker.wait_s()
        fail(breaker)
        waits.append(breaker.wait_s())
    assert waits == [10.0, 20.0, 20.0, 20.0]
    clock.now_s += 20.0
    succeed(breaker)
    fail(breaker, 4)
    assert breaker.wait_s() == 5.0


def test_a_probe_that_says_nothing_makes_room_for_another(breaker: Breaker, clock: Clock) -> None:
    """A caller that leaves during its probe does not keep the circuit from closing."""
    fail(breaker, 4)
    clock.now_s += 5.0
    era = breaker.enter()
    assert era is not None
    breaker.left(era)
    succeed(breaker)
    assert breaker.circuit is Circuit.CLOSED


def test_calls_from_before_say_nothing(breaker: Breaker, clock: Clock) -> None:
    """A call that began before the circuit opened neither closes it nor opens it again."""
    early = [breaker.enter(), breaker.enter()]
    fail(breaker, 4)
    clock.now_s += 5.0
    for era in early:
        assert era is not None
    breaker.succeeded(early[0] or 0)
    breaker.failed(early[1] or 0)
    assert breaker.circuit is Circuit.HALF_OPEN


def test_a_tier_that_asks_for_rest_gets_it(breaker: Breaker, clock: Clock) -> None:
    """It is left alone for as long as it asks, not longer than the most, and needs no probe after it."""
    breaker.rest(3.0)
    assert (breaker.enter(), breaker.is_resting, breaker.wait_s()) == (None, True, 3.0)
    clock.now_s += 3.0
    assert breaker.circuit is Circuit.CLOSED
    breaker.rest(86_400.0)
    assert breaker.wait_s() == 20.0


def test_it_can_be_turned_off(clock: Clock) -> None:
    """Then it is always closed."""
    breaker = Breaker(Breaking(enabled=False), clock)
    fail(breaker, 100)
    breaker.rest(5.0)
    assert breaker.circuit is Circuit.CLOSED


ENDS = st.lists(
    st.tuples(st.sampled_from(["succeeded", "failed", "left"]), st.floats(0.0, 40.0)), max_size=80
)


@given(ENDS)
def test_it_always_comes_back(ends: list[tuple[str, float]]) -> None:
    """Whatever happened, after the longest time a call is let in, and a good one closes the circuit."""
    clock = Clock()
    breaker = Breaker(SETTINGS, clock)
    for end, after_s in ends:
        clock.now_s += after_s
        era = breaker.enter()
        if era is not None:
            getattr(breaker, end)(era)
    clock.now_s += SETTINGS.max_open_s
    succeed(breaker)
    assert breaker.circuit is Circuit.CLOSED
