"""What a tenant may ask for and spend, on the way of real requests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from pathlib import Path

import pytest

from backends.types import Sampling
from router.core import Router
from router.errors import BudgetExhausted, LedgerUnavailable, NoTierAllowed, NoTierReady, RateLimited
from router.events import AttemptStarted, Result
from router.ledger.base import Ceiling, LedgerUnfit, Statement
from router.ledger.calendar import day_of
from router.ledger.sqlite import SqliteLedger
from router.ledger.treasury import Treasury
from router.request import Constraints, Request
from router.tenants.price_range import price_range
from router.tenants.quota import Quota, Quotas
from router.tenants.rate_limits import RateLimits
from router.tenants.turnstile import Turnstile, open_to_all
from router.tiers import Tier
from tests.router.conftest import House, ask, echo_tier
from tests.router.ledger.clock import Clock, at
from tests.router.ledger.faulty import FaultyLedger


class Shop:
    """A router whose tenants pay, and its ledger."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock(at("2026-11-27 09:30"))
        self.ledger = FaultyLedger(SqliteLedger(folder / "ledger.sqlite"))
        self.books = folder / "books"
        self.stack = AsyncExitStack()
        self.house: House | None = None

    async def open(
        self, tiers: list[Tier], quota: Quota, *, allows_uncounted: bool = False, **options: object
    ) -> Router:
        """Start the router; ``quota`` is every tenant's, and ``options`` are the house's."""
        quotas = Quotas({"free": Quota()}, others=quota)
        treasury = Treasury(self.ledger, self.books, self.clock, self.clock)
        limits = RateLimits(quotas, self.clock)
        turnstile = Turnstile(quotas, limits, treasury, allows_uncounted=allows_uncounted)
        self.house = House(tiers, turnstile=turnstile, **options)  # type: ignore[arg-type]
        router = self.house.router()
        self.stack.push_async_callback(router.close)
        await router.start()
        return router

    async def spent(self) -> int:
        """What the ledger will know of today once the server stops."""
        await self.stack.aclose()
        self.ledger = FaultyLedger(SqliteLedger(self.books.parent / "ledger.sqlite"))
        found: tuple[Statement, ...] = await self.ledger.statements(day_of(self.clock()))
        await self.ledger.close()
        assert all(statement.held_today_usd_micros == 0 for statement in found)
        return sum(statement.spent_today_usd_micros for statement in found)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    made = Shop(tmp_path)
    async with made.stack:
        yield made


Answer = Callable[[Router, Request], Awaitable[Result]]


def order(tenant: str = "acme", limit: int = 4, **changes: object) -> Request:
    """Two words in, so many out at most."""
    sampling = Sampling(max_output_token_count=limit)
    return ask("two words", tenant=tenant, sampling=sampling, **changes)  # type: ignore[arg-type]


async def answer(router: Router, request: Request) -> Result:
    async with aclosing(router.run(request)) as events:
        result = [event async for event in events][-1]
    assert isinstance(result, Result)
    return result


def paid(name: str = "paid", **options: object) -> Tier:
    """A tier at one millionth of a dollar a token."""
    return echo_tier(name, price=1_000_000, **options)  # type: ignore[arg-type]


def budget(usd_micros: int) -> Quota:
    return Quota(ceiling=Ceiling(usd_micros_per_day=usd_micros))


async def test_what_a_request_cost_is_booked(shop: Shop) -> None:
    """Not what was reserved for it."""
    router = await shop.open([paid(reply="three small words")], budget(1000))
    costs = [(await answer(router, order(limit=100))).cost_usd_micros for _ in range(3)]
    assert costs == [5, 5, 5]
    assert await shop.spent() == 15


async def test_a_tenant_spends_its_budget_and_no_more(shop: Shop) -> None:
    """Then it is refused, and told when to come back."""
    router = await shop.open([paid(reply="three small words")], budget(22))
    for _ in range(4):
        await answer(router, order())
    with pytest.raises(BudgetExhausted) as caught:
        await answer(router, order())
    assert caught.value.metadata["tenant"] == "acme"
    assert caught.value.retry_after_s == pytest.approx(52_200.0)
    assert await shop.spent() <= 22


async def test_who_has_no_budget_is_not_counted(shop: Shop) -> None:
    """And needs no ledger."""
    router = await shop.open([paid()], budget(0))
    shop.ledger.is_down = True
    assert (await answer(router, order("free"))).cost_usd_micros > 0
    shop.ledger.is_down = False
    assert await shop.spent() == 0


async def test_what_is_left_caps_the_request(shop: Shop, ladder: list[Tier]) -> None:
    """A ladder that it does not pay for to the top is climbed as far as it goes."""
    tiers = [paid("edge", reply="edge says", logprob=-3.0), echo_tier("top", price=50_000_000, reply="x")]
    router = await shop.open(tiers, budget(60))
    result = await answer(router, order())
    assert (result.tier, result.reason) == ("edge", "over_budget")
    assert await shop.spent() == 4


async def test_enough_money_leaves_the_way_up_as_it_was(shop: Shop) -> None:
    """Where every tier writes as much as it may, the last can still be tried, to its full length."""
    long = " ".join(["word"] * 50)
    tiers = [paid(name, reply=long, logprob=-3.0) for name in ("edge", "local", "top")]
    router = await shop.open(tiers, budget(3 * (2 + 40)))
    result = await answer(router, order(limit=40))
    assert (result.attempt_number, result.cost_usd_micros) == (3, 3 * (2 + 40))
    assert await shop.spent() == 3 * (2 + 40)


async def test_failed_attempts_are_paid(shop: Shop) -> None:
    """What a tier wrote before it broke was spent, though there is no answer."""
    tier = paid(reply="a b c d", fail="unavailable", fail_after_token_count=2)
    router = await shop.open([tier], budget(1000))
    with pytest.raises(NoTierReady):
        await answer(router, order())
    assert shop.house is not None
    cost = shop.house.journal.entries[0].attempts[0].cost_usd_micros
    assert cost > 0
    assert await shop.spent() == cost


async def test_cancelled_requests_are_paid(shop: Shop) -> None:
    """Up to where they were stopped; the rest of the reservation is free again."""
    router = await shop.open([paid(reply="a b c d")], budget(1000))
    async with aclosing(router.run(order(allow_retraction=True))) as events:
        async for event in events:
            if isinstance(event, AttemptStarted):
                break
    async with aclosing(router.run(order(allow_retraction=True))) as events:
        seen = 0
        async for _ in events:
            seen += 1
            if seen == 4:
                break
    assert shop.house is not None
    costs = [sum(a.cost_usd_micros for a in entry.attempts) for entry in shop.house.journal.entries]
    assert costs[1] > costs[0] >= 0
    assert await shop.spent() == sum(costs)


async def test_free_tiers_need_no_money(shop: Shop) -> None:
    """A tenant without any is still answered by what costs nothing."""
    tiers = [echo_tier("edge", reply="free words", logprob=-3.0), paid("top")]
    router = await shop.open(tiers, budget(0))
    assert (await answer(router, order())).tier == "edge"
    assert await shop.spent() == 0


async def test_without_the_ledger_only_free_tiers_serve(shop: Shop) -> None:
    """The request that needs money gets a typed error, the other its answer."""
    shop.ledger.is_down = True
    tiers = [echo_tier("edge", reply="free words", logprob=-3.0), paid("top")]
    router = await shop.open(tiers, budget(1000))
    assert (await answer(router, order())).tier == "edge"
    with pytest.raises(LedgerUnavailable):
        await answer(router, order(constraints=Constraints(allowed_tiers=frozenset({"top"}))))
    shop.ledger.is_down = False
    assert await shop.spent() == 0


async def test_uncounted_service_has_to_be_asked_for(shop: Shop) -> None:
    """Then a ledger that is away stops nobody."""
    shop.ledger.is_down = True
    router = await shop.open([paid()], budget(1), allows_uncounted=True)
    assert (await answer(router, order())).cost_usd_micros == 4
    shop.ledger.is_down = False
    assert await shop.spent() == 0


async def test_a_refused_request_runs_nothing(shop: Shop) -> None:
    """Nor is it journalled: it never got in."""
    router = await shop.open([paid()], budget(1))
    with pytest.raises(BudgetExhausted):
        await answer(router, order())
    assert shop.house is not None
    assert shop.house.journal.entries == []


async def test_a_request_that_no_tier_may_answer_reserves_nothing(shop: Shop) -> None:
    """Its own error comes first, also with the ledger down."""
    router = await shop.open([paid()], budget(1000))
    shop.ledger.is_down = True
    with pytest.raises(NoTierAllowed):
        await answer(router, order(constraints=Constraints(allowed_tiers=frozenset({"other"}))))
    with pytest.raises(BudgetExhausted) as caught:
        await answer(router, order(constraints=Constraints(max_cost_usd_micros=0)))
    assert caught.value.retry_after_s is None
    shop.ledger.is_down = False


async def test_requests_are_limited_before_anything_is_worked_out(shop: Shop) -> None:
    """Deciding counts like asking."""
    router = await shop.open([echo_tier("edge")], Quota(requests_per_s=1.0, burst=2))
    router.decide(order())
    await answer(router, order())
    for refused in (lambda: answer(router, order()), lambda: _decided(router)):
        with pytest.raises(RateLimited) as caught:
            await refused()
        assert caught.value.retry_after_s == 1.0
    shop.clock.now_s += 1.0
    await answer(router, order())


async def _decided(router: Router) -> None:
    router.decide(order())


async def test_tokens_count_as_they_were_taken(shop: Shop) -> None:
    """Of all attempts, the estimate being corrected afterwards."""
    tier = echo_tier("edge", reply=" ".join(["word"] * 58))
    router = await shop.open([tier], Quota(tokens_per_minute=60))
    await answer(router, order(limit=1000))
    with pytest.raises(RateLimited) as caught:
        await answer(router, order())
    # Two words and an answer of four, as is expected; nothing is left of 60.
    assert caught.value.retry_after_s == pytest.approx(6.0)


async def test_a_request_refused_for_its_money_gives_its_tokens_back(shop: Shop) -> None:
    """They were not taken."""
    quota = Quota(tokens_per_minute=60, ceiling=Ceiling(usd_micros_per_day=1))
    router = await shop.open([paid()], quota)
    for _ in range(20):
        with pytest.raises(BudgetExhausted):
            await answer(router, order())


async def test_a_budget_that_changes_goes_on_with_what_was_spent(shop: Shop) -> None:
    """Under a new configuration the money of the day is still the day's."""
    router = await shop.open([paid()], budget(6))
    await answer(router, order())
    with pytest.raises(BudgetExhausted):
        await answer(router, order())
    router._turnstile = router._turnstile.under(Quotas(others=budget(10)))
    shop.clock.now_s += 1.0
    await answer(router, order())
    with pytest.raises(BudgetExhausted):
        await answer(router, order())
    assert await shop.spent() == 8


def test_new_budgets_need_a_ledger() -> None:
    """One that is not there must not mean that nothing is counted."""
    assert open_to_all().under(Quotas(others=Quota(requests_per_s=1.0)))
    with pytest.raises(LedgerUnfit):
        open_to_all().under(Quotas({"acme": budget(1)}))


async def test_the_most_that_a_request_may_cost_is_what_its_tiers_may(shop: Shop) -> None:
    """Each at its full length; the request's own limit holds below that."""
    tiers = [paid("edge", logprob=-3.0), echo_tier("top", price=10_000_000)]
    await shop.open(tiers, budget(0))
    assert shop.house is not None
    planner = shop.house.planner()
    prices = price_range(planner.plan(order(limit=100)))
    assert prices is not None
    assert prices.most_usd_micros == (2 + 100) * 1 + (2 + 100) * 10
    limited = price_range(planner.plan(order(limit=100, constraints=Constraints(max_cost_usd_micros=50))))
    assert limited is not None
    assert limited.most_usd_micros == 50
