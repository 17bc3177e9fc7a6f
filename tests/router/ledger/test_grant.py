"""How claims are decided on, and what that promises whatever is claimed."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from router.ledger.base import Ceiling, Claim
from router.ledger.grant import DayTotal, granted

TODAY, TOMORROW = date(2026, 11, 27), date(2026, 11, 28)
steps = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from([TODAY, TOMORROW]),
        st.integers(0, 500),
        st.integers(0, 100),
    ),
    max_size=40,
)


def test_held_money_is_not_taken_away() -> None:
    """A ceiling that was lowered meanwhile keeps others from money that may be spent already."""
    claim = Claim("acme", 10, 80, Ceiling(usd_micros_per_day=50))
    assert granted(claim, 70, TODAY, []).held_usd_micros == 70


def test_without_a_ceiling_all_is_granted() -> None:
    """No limit means none."""
    assert granted(Claim("acme", 0, 10**15, Ceiling()), 0, TODAY, []).held_usd_micros == 10**15


def test_another_month_is_none_of_this_one() -> None:
    """Totals of other months are passed over."""
    others = [DayTotal(date(2026, 10, 31), 90, 90)]
    claim = Claim("acme", 0, 100, Ceiling(usd_micros_per_month=100))
    assert granted(claim, 0, TODAY, others).held_usd_micros == 100


@given(steps)
def test_together_books_never_hold_more_than_the_ceiling(
    claims: list[tuple[str, date, int, int]],
) -> None:
    """Whoever claims what in which order, as long as each spends only what it holds."""
    ceiling = Ceiling(usd_micros_per_day=600, usd_micros_per_month=900)
    held: dict[tuple[str, date], int] = defaultdict(int)
    spent: dict[tuple[str, date], int] = defaultdict(int)
    for book, day, more, spending in claims:
        key = (book, day)
        spent[key] = min(held[key], spent[key] + spending)
        others = [DayTotal(k[1], held[k], spent[k]) for k in held if k != key]
        grant = granted(Claim("acme", spent[key], spent[key] + more, ceiling), held[key], day, others)
        assert spent[key] <= grant.held_usd_micros <= spent[key] + more
        assert grant.room_usd_micros == 0 or grant.held_usd_micros == spent[key] + more
        held[key] = grant.held_usd_micros
        for each in (TODAY, TOMORROW):
            assert sum(amount for (_, at), amount in held.items() if at == each) <= 600
        assert sum(held.values()) <= 900
