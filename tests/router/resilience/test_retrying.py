"""How long is waited before a call is made again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.errors import BackendError, ContextTooLong, Overloaded, Refused, TimedOut, Unavailable
from router.resilience.refusals import CircuitOpen, TurnedAway
from router.resilience.retrying import is_transient, wait_s
from router.resilience.settings import Retrying

SETTINGS = Retrying(max_count=5, base_wait_s=0.1, max_wait_s=0.5, max_retry_after_s=10.0)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Unavailable("reset"), True),
        (Overloaded("429"), True),
        (TimedOut("slow"), False),
        (Refused("no"), False),
        (ContextTooLong("long"), False),
        (CircuitOpen("open"), False),
        (TurnedAway("full"), False),
        (TurnedAway("asked for rest", why="resting"), True),
    ],
)
def test_what_may_pass_is_repeated(error: BackendError, expected: bool) -> None:
    """What passes by itself is asked again; refusals, time that ran out and our own door are not."""
    assert is_transient(error) is expected


@given(st.integers(1, 5), st.floats(0.0, 1.0, exclude_max=True))
def test_jitter_is_full(number: int, drawn: float) -> None:
    """The wait is the drawn part of a doubling, bounded time."""
    waited_s = wait_s(SETTINGS, number, None, lambda: drawn)
    assert waited_s == drawn * min(0.5, 0.1 * 2 ** (number - 1))


def test_what_the_tier_asks_for_is_waited_in_full() -> None:
    """The jitter comes on top of Retry-After, never out of it."""
    assert wait_s(SETTINGS, 1, 3.0, lambda: 0.0) == 3.0
    assert wait_s(SETTINGS, 1, 3.0, lambda: 0.5) == pytest.approx(3.05)


def test_who_asks_for_too_much_is_passed_over() -> None:
    """Beyond the longest wait, and beyond the number of calls, there is no further one."""
    assert wait_s(SETTINGS, 1, 10.1, lambda: 0.0) is None
    assert wait_s(SETTINGS, 6, None, lambda: 0.0) is None
