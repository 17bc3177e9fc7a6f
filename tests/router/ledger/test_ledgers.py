"""What every ledger promises, over a real file and a real server."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest

from router.ledger.base import RELEASE_AFTER_S, Ceiling, Claim, Ledger, LedgerError, Statement
from tests.router.ledger.conftest import NewLedger

TODAY = date(2026, 11, 27)
DAILY = Ceiling(usd_micros_per_day=1000)


def claim(wanted: int, *, spent: int = 0, tenant: str = "acme", ceiling: Ceiling = DAILY) -> Claim:
    return Claim(tenant, spent, wanted, ceiling)


async def opened(new_ledger: NewLedger, *books: str, day: date = TODAY) -> Ledger:
    ledger = new_ledger()
    await ledger.open()
    for book in books:
        await ledger.begin(book, day)
    return ledger


async def held(ledger: Ledger, book: str, *claims: Claim) -> list[int]:
    return [grant.held_usd_micros for grant in await ledger.claim(book, claims)]


async def test_books_share_a_ceiling(new_ledger: NewLedger) -> None:
    """What one holds is not there for the other; what it gives back is."""
    ledger = await opened(new_ledger, "a", "b")
    assert await held(ledger, "a", claim(700)) == [700]
    assert await held(ledger, "b", claim(700)) == [300]
    assert await held(ledger, "a", claim(100)) == [100]
    assert await held(ledger, "b", claim(700)) == [700]


async def test_a_claim_is_absolute(new_ledger: NewLedger) -> None:
    """Saying it twice changes nothing."""
    ledger = await opened(new_ledger, "a", "b")
    for _ in range(2):
        assert await held(ledger, "a", claim(700, spent=50)) == [700]
    assert await held(ledger, "b", claim(1000)) == [300]


async def test_a_grant_says_how_things_stand(new_ledger: NewLedger) -> None:
    """Room, and what all have spent."""
    ledger = await opened(new_ledger, "a", "b")
    await ledger.claim("a", [claim(400, spent=150)])
    (grant,) = await ledger.claim("b", [claim(100, spent=50)])
    assert (grant.room_usd_micros, grant.spent_today_usd_micros, grant.spent_this_month_usd_micros) == (
        500,
        200,
        200,
    )


async def test_ending_counts_what_was_spent_and_frees_the_rest(new_ledger: NewLedger) -> None:
    """And ending twice counts once."""
    ledger = await opened(new_ledger, "a", "b")
    await ledger.claim("a", [claim(700, spent=50)])
    for _ in range(2):
        await ledger.end("a", {"acme": 120})
    assert await ledger.statements(TODAY) == (Statement("acme", 120, 0, 120, 0),)
    assert await held(ledger, "b", claim(1000)) == [880]


async def test_a_lost_book_counts_as_spent(new_ledger: NewLedger) -> None:
    """Where nobody can tell, all that it held is gone."""
    ledger = await opened(new_ledger, "a")
    await ledger.claim("a", [claim(700, spent=50)])
    await ledger.end("a", None)
    assert await ledger.statements(TODAY) == (Statement("acme", 700, 0, 700, 0),)


async def test_a_book_that_ended_claims_nothing_more(new_ledger: NewLedger) -> None:
    """A claim that comes late must not hold money for nobody."""
    ledger = await opened(new_ledger, "a")
    await ledger.end("a", {})
    with pytest.raises(LedgerError, match="does not know the book a"):
        await ledger.claim("a", [claim(1)])
    assert await ledger.statements(TODAY) == ()


async def test_what_a_book_knows_better_counts(new_ledger: NewLedger) -> None:
    """Spending that the ledger was told already is not forgotten for a book that lost its last lines."""
    ledger = await opened(new_ledger, "a")
    await ledger.claim("a", [claim(700, spent=300)])
    await ledger.end("a", {"acme": 250, "unheard of": 5})
    spent = {s.tenant: s.spent_today_usd_micros for s in await ledger.statements(TODAY)}
    assert spent == {"acme": 300, "unheard of": 5}


async def test_days_are_apart_and_months_together(new_ledger: NewLedger) -> None:
    """Each day starts anew within what the month still has."""
    both = Ceiling(usd_micros_per_day=1000, usd_micros_per_month=1500)
    ledger = await opened(new_ledger, "a")
    await ledger.begin("next", date(2026, 11, 28))
    await ledger.begin("december", date(2026, 12, 1))
    assert await held(ledger, "a", claim(1000, ceiling=both)) == [1000]
    assert await held(ledger, "next", claim(1000, ceiling=both)) == [500]
    assert await held(ledger, "december", claim(1000, ceiling=both)) == [1000]


async def test_tenants_are_apart(new_ledger: NewLedger) -> None:
    """One's spending is nothing to the other; names may hold anything."""
    odd = "'; DROP TABLE spending; -- é\n"
    ledger = await opened(new_ledger, "a")
    assert await held(ledger, "a", claim(900), claim(900, tenant=odd)) == [900, 900]
    assert {statement.tenant for statement in await ledger.statements(TODAY)} == {"acme", odd}


async def test_spending_is_a_fact(new_ledger: NewLedger) -> None:
    """More than the ceiling is counted, too; then there is no room."""
    ledger = await opened(new_ledger, "a", "b")
    assert await held(ledger, "a", claim(1200, spent=1200)) == [1200]
    assert await held(ledger, "b", claim(1)) == [0]


async def test_claims_at_once_do_not_see_the_same_room(new_ledger: NewLedger) -> None:
    """Connections that ask at the same moment share what there is."""
    books = [str(number) for number in range(8)]
    await opened(new_ledger, *books)
    ledgers = [await opened(new_ledger) for _ in books]
    for _ in range(5):
        grants = await asyncio.gather(
            *(held(ledger, book, claim(400)) for ledger, book in zip(ledgers, books, strict=True))
        )
        assert sum(map(sum, grants)) == 1000


async def test_what_was_counted_is_there_after_a_restart(new_ledger: NewLedger) -> None:
    """Another process finds it."""
    first = await opened(new_ledger, "a")
    await first.claim("a", [claim(10)])
    await first.end("a", {"acme": 7})
    await first.close()
    await first.close()
    second = await opened(new_ledger)
    assert await second.statements(TODAY) == (Statement("acme", 7, 0, 7, 0),)


async def test_a_silent_book_is_released(new_ledger: NewLedger) -> None:
    """What it held beyond what it spent is there for others; what it spent is not."""
    ledger = await opened(new_ledger, "lost", "alive")
    await ledger.claim("lost", [claim(700, spent=50)])
    released = await ledger.release("lost", 0.0)
    assert released is not None
    assert (released.held_usd_micros, released.spent_usd_micros) == (700, 50)
    assert await held(ledger, "alive", claim(1000)) == [950]


async def test_a_book_that_was_just_heard_of_is_not_released(new_ledger: NewLedger) -> None:
    """Its process may live, and spend."""
    ledger = await opened(new_ledger, "alive", "other")
    await ledger.claim("alive", [claim(700)])
    assert await ledger.release("alive", RELEASE_AFTER_S) is None
    assert await ledger.release("nobody", 0.0) is None
    assert await held(ledger, "other", claim(1000)) == [300]


async def test_a_released_book_that_comes_back_counts_once(new_ledger: NewLedger) -> None:
    """It claims anew from what is left, and what it spent meanwhile counts when it is settled."""
    ledger = await opened(new_ledger, "lost", "alive")
    await ledger.claim("lost", [claim(700, spent=50)])
    for _ in range(2):
        await ledger.release("lost", 0.0)
    await held(ledger, "alive", claim(900))
    assert await held(ledger, "lost", claim(700, spent=60)) == [100]
    for _ in range(2):
        await ledger.end("lost", {"acme": 80})
    await ledger.end("alive", {"acme": 900})
    assert await ledger.statements(TODAY) == (Statement("acme", 980, 0, 980, 0),)


async def test_books_are_listed(new_ledger: NewLedger) -> None:
    """With all that they hold and spent, and how long nobody heard of them."""
    ledger = await opened(new_ledger, "a", "b")
    await ledger.claim("a", [claim(700, spent=50), claim(10, tenant="other")])
    books = {book.name: book for book in await ledger.books()}
    assert books.keys() == {"a", "b"}
    assert (books["a"].day, books["a"].held_usd_micros, books["a"].spent_usd_micros) == (TODAY, 710, 50)
    assert 0.0 <= books["a"].silent_s < 60.0


async def test_a_claim_of_nothing_is_a_sign_of_life(new_ledger: NewLedger) -> None:
    """It changes no money."""
    ledger = await opened(new_ledger, "a")
    await ledger.claim("a", [claim(700)])
    assert await ledger.claim("a", []) == ()
    assert (await ledger.books())[0].held_usd_micros == 700
