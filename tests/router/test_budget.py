"""What a request may still spend."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from router.budget import Allowance, Budget


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_no_limits_leave_everything_open() -> None:
    """An empty allowance never runs out."""
    budget = Budget(Allowance(), Clock())
    budget.charge(1, 10**9)
    assert budget.has_time()
    assert budget.has_attempts()
    assert budget.money_left_usd_micros() is None


def test_time_runs_out_by_the_clock() -> None:
    """The deadline is behind once the clock has passed it."""
    clock = Clock()
    budget = Budget(Allowance(time_s=2.0), clock)
    clock.now_s += 2.0
    assert not budget.has_time()


def test_charges_add_up() -> None:
    """Money left is the allowance less all charges."""
    budget = Budget(Allowance(cost_usd_micros=10), Clock())
    budget.charge(1, 4)
    budget.charge(2, 3)
    assert budget.money_left_usd_micros() == 3


def test_an_attempt_under_way_counts_with_what_it_has_cost_so_far() -> None:
    """A later charge of the same attempt stands in place of the earlier one."""
    budget = Budget(Allowance(cost_usd_micros=10), Clock())
    budget.charge(1, 4)
    budget.charge(1, 6)
    assert (budget.spent_usd_micros, budget.money_left_usd_micros()) == (6, 4)


def test_time_is_kept_back_for_one_escalation() -> None:
    """An attempt gets what is left less the next tier's time, but never less than half."""
    budget = Budget(Allowance(time_s=10.0), Clock())
    assert budget.attempt_timeout_s(60.0, keep_back_s=3.0, has_fallback=False) == 7.0
    assert budget.attempt_timeout_s(60.0, keep_back_s=9.0, has_fallback=False) == 5.0


def test_the_last_attempt_gets_all_but_a_handover() -> None:
    """With nothing above and a fallback in hand, only the handover is kept."""
    budget = Budget(Allowance(time_s=10.0), Clock())
    assert budget.attempt_timeout_s(60.0, keep_back_s=0.0, has_fallback=False) == 10.0
    assert 9.9 < budget.attempt_timeout_s(60.0, keep_back_s=0.0, has_fallback=True) < 10.0


@given(
    left_s=st.floats(0.001, 1e4),
    limit_s=st.floats(0.001, 1e4),
    keep_s=st.floats(0, 1e4),
    fallback=st.booleans(),
)
def test_an_attempt_never_outlives_the_deadline(
    left_s: float, limit_s: float, keep_s: float, fallback: bool
) -> None:
    """Whatever is kept back, an attempt's time is positive and within both limits."""
    budget = Budget(Allowance(time_s=left_s), Clock())
    timeout_s = budget.attempt_timeout_s(limit_s, keep_back_s=keep_s, has_fallback=fallback)
    assert 0.0 < timeout_s <= min(left_s, limit_s)
