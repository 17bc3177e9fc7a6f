"""One tenant's money in a process: what can be taken, and what is claimed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from router.ledger.account import Account
from router.ledger.base import Ceiling, Claim, Grant


def account(held: int, room: int = 0) -> Account:
    made = Account("acme", Ceiling(usd_micros_per_day=1_000_000))
    made.granted(Grant(held, room, 0, 0))
    return made


def test_what_is_there_is_taken_up_to_the_most() -> None:
    """Less than wanted is enough, less than needed is not."""
    made = account(100)
    assert (made.take(10, 60), made.take(10, 60), made.take(10, 60)) == (60, 40, None)
    assert made.take(0, 60) == 0


def test_settling_frees_what_was_not_spent() -> None:
    """The rest of a reservation is there for the next."""
    made = account(100)
    made.take(100, 100)
    made.settle(100, 30)
    assert (made.free, made.spent) == (70, 30)


def test_spending_beyond_a_reservation_counts() -> None:
    """Nothing is free then until it is made up for."""
    made = account(100)
    made.take(10, 10)
    made.settle(10, 130)
    assert (made.free, made.take(0, 5), made.take(1, 5)) == (-30, 0, None)
    assert made.claim(0).wanted_usd_micros == 130


def test_a_claim_looks_ahead_by_a_part_of_the_room() -> None:
    """So that the next requests need not ask; less the less there is."""
    assert account(0, room=1600).claim(10).wanted_usd_micros == 110
    assert account(0, room=0).claim(10).wanted_usd_micros == 10


def test_idle_money_goes_back() -> None:
    """First all but a portion, while it is used, then all; it cannot be taken any more meanwhile."""
    made = account(1600)
    made.take(0, 16)
    assert made.claim(0).wanted_usd_micros == 16 + 99
    assert made.held == 115
    assert made.claim(0).wanted_usd_micros == 16
    assert (made.held, made.free) == (16, 0)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.booleans()), max_size=60))
def test_reservations_never_pass_what_is_held(steps: list[tuple[int, int, bool]]) -> None:
    """Against a ledger that grants up to a ceiling, whatever is taken, spent and claimed."""
    ceiling, made, open_ = 400, account(0), list[int]()
    for most, spent, is_claiming in steps:
        if is_claiming:
            before = made.held
            claim: Claim = made.claim(most)
            assert made.held <= max(before, claim.spent_usd_micros)
            made.granted(Grant(min(claim.wanted_usd_micros, ceiling), ceiling, 0, 0))
        elif (amount := made.take(0, most)) is not None:
            open_.append(amount)
        if open_ and spent % 2:
            amount = open_.pop()
            made.settle(amount, min(spent, amount))
        assert made.spent + made.reserved <= made.held <= ceiling
        assert made.reserved == sum(open_)
