"""Delays between the lives of a worker, on a clock of the test's own."""

from __future__ import annotations

from backends.llamacpp.worker.backoff import Backoff


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_the_first_restart_is_at_once_and_later_ones_wait_longer() -> None:
    """The delays double up to ten seconds."""
    backoff = Backoff(Clock(), chance=lambda: 1.0)
    assert [backoff.delay_s() for _ in range(8)] == [0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


def test_chance_takes_up_to_half() -> None:
    """Workers that died together do not come back together."""
    backoff = Backoff(Clock(), chance=lambda: 0.0)
    assert [backoff.delay_s() for _ in range(3)] == [0.0, 0.25, 0.5]


def test_a_stable_minute_starts_anew() -> None:
    """Who has lived long is started again at once."""
    clock = Clock()
    backoff = Backoff(clock)
    for _ in range(5):
        backoff.delay_s()
    backoff.started()
    clock.now_s += 60.0
    assert backoff.delay_s() == 0.0


def test_stays_bounded() -> None:
    """A week of deaths is still a number."""
    backoff = Backoff(Clock(), chance=lambda: 1.0)
    assert max(backoff.delay_s() for _ in range(5000)) == 10.0
