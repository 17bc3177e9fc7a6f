"""Money in one process: reserved, settled, given back, and told to the ledger."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from router.errors import BudgetExhausted, LedgerUnavailable
from router.ledger.base import LEASE_S, Ceiling, Ledger, LedgerUnfit, Statement
from router.ledger.calendar import day_of
from router.ledger.sqlite import SqliteLedger
from router.ledger.till import Reservation
from router.ledger.treasury import Treasury
from tests.router.ledger.clock import Clock, at
from tests.router.ledger.conftest import NewTreasury
from tests.router.ledger.faulty import FaultyLedger

DAILY = Ceiling(usd_micros_per_day=1000)


async def reserve(treasury: Treasury, most: int, least: int = 1, ceiling: Ceiling = DAILY) -> Reservation:
    return await treasury.reserve("acme", ceiling, least, most, timeout_s=30.0)


async def spend(treasury: Treasury, amount: int) -> None:
    treasury.settle(await reserve(treasury, amount), amount)


def cause(error: LedgerUnavailable) -> str:
    """What the log says of it."""
    return str(error.__cause__)


async def tick(treasury: Treasury) -> None:
    """What happens once a second."""
    await treasury._tick(is_patrol=True)


@pytest.fixture
async def ledger(tmp_path: Path) -> SqliteLedger:
    return SqliteLedger(tmp_path / "ledger.sqlite")


@pytest.fixture
async def faulty(ledger: SqliteLedger) -> FaultyLedger:
    return FaultyLedger(ledger)


async def standing(ledger: Ledger, clock: Clock) -> tuple[int, int]:
    """Spent and held today."""
    found = await ledger.statements(day_of(clock()))
    return (found[0].spent_today_usd_micros, found[0].held_today_usd_micros) if found else (0, 0)


async def test_what_is_left_is_given(new_treasury: NewTreasury) -> None:
    """A request gets what it may cost at most, or the rest, down to what it needs."""
    treasury = await new_treasury()
    assert (await reserve(treasury, 700)).amount_usd_micros == 700
    assert (await reserve(treasury, 700)).amount_usd_micros == 300
    with pytest.raises(BudgetExhausted, match="'acme' needs 1 millionths"):
        await reserve(treasury, 700)
    assert (await reserve(treasury, 700, least=0)).amount_usd_micros == 0


async def test_what_was_not_spent_is_there_again(new_treasury: NewTreasury) -> None:
    """At once, in the same process."""
    treasury = await new_treasury()
    reserved = await reserve(treasury, 1000)
    treasury.settle(reserved, 400)
    assert (await reserve(treasury, 1000)).amount_usd_micros == 600


async def test_what_one_leaves_idle_another_gets(
    new_treasury: NewTreasury, timer: Clock, ledger: SqliteLedger, clock: Clock
) -> None:
    """Within two ticks; a request in between is told to come back soon."""
    first, second = await new_treasury(ledger), await new_treasury()
    first.settle(await reserve(first, 1000), 100)
    with pytest.raises(BudgetExhausted) as caught:
        await reserve(second, 500)
    assert caught.value.retry_after_s == 1.0
    await tick(first)
    await tick(first)
    timer.now_s += 1.0
    assert (await reserve(second, 1000)).amount_usd_micros == 900
    assert await standing(ledger, clock) == (100, 900)


@pytest.mark.parametrize(
    ("ceiling", "wait_s"),
    [
        (Ceiling(usd_micros_per_day=1000), 52_200.0),
        (Ceiling(usd_micros_per_month=1000), 52_200.0 + 3 * 86_400),
        (Ceiling(usd_micros_per_day=1000, usd_micros_per_month=1000), 52_200.0 + 3 * 86_400),
        (Ceiling(usd_micros_per_day=1000, usd_micros_per_month=1), None),
    ],
)
async def test_a_refusal_says_when_there_is_money_again(
    new_treasury: NewTreasury, ceiling: Ceiling, wait_s: float | None
) -> None:
    """The next day, the next month, or never, where the budget is too small for any such request."""
    treasury = await new_treasury()
    spent = await reserve(treasury, 1000, least=1, ceiling=ceiling)
    treasury.settle(spent, spent.amount_usd_micros)
    with pytest.raises(BudgetExhausted) as caught:
        await reserve(treasury, 1000, least=5, ceiling=ceiling)
    assert caught.value.retry_after_s == wait_s
    assert caught.value.metadata["spent_today_usd_micros"] == str(spent.amount_usd_micros)


async def test_requests_seldom_ask_the_ledger(
    new_treasury: NewTreasury, faulty: FaultyLedger, clock: Clock
) -> None:
    """A budget of 10,000 requests is used up in a few claims, to the last."""
    treasury = await new_treasury(faulty)
    ceiling = Ceiling(usd_micros_per_day=10_000)
    for _ in range(10_000):
        treasury.settle(await reserve(treasury, 1, ceiling=ceiling), 1)
    with pytest.raises(BudgetExhausted):
        await reserve(treasury, 1, ceiling=ceiling)
    assert faulty.calls.count("claim") < 200
    await tick(treasury)
    assert await standing(faulty, clock) == (10_000, 0)


async def test_those_who_wait_together_ask_together(new_treasury: NewTreasury, faulty: FaultyLedger) -> None:
    """One round for all that came while the ledger was busy."""
    treasury = await new_treasury(faulty)
    faulty.gate.clear()
    waiting = [asyncio.create_task(reserve(treasury, 10)) for _ in range(50)]
    await asyncio.sleep(0)
    faulty.gate.set()
    assert [reserved.amount_usd_micros for reserved in await asyncio.gather(*waiting)] == [10] * 50
    assert faulty.calls.count("claim") <= 3


async def test_a_tenant_without_money_does_not_wear_out_the_ledger(
    new_treasury: NewTreasury, faulty: FaultyLedger, timer: Clock
) -> None:
    """For a moment nobody asks again; then somebody does."""
    treasury = await new_treasury(faulty)
    await spend(treasury, 1000)
    for _ in range(100):
        with pytest.raises(BudgetExhausted):
            await reserve(treasury, 10)
    asked = faulty.calls.count("claim")
    assert asked <= 2
    timer.now_s += 0.3
    with pytest.raises(BudgetExhausted):
        await reserve(treasury, 10)
    assert faulty.calls.count("claim") == asked + 1


async def test_a_new_day_has_new_money(
    new_treasury: NewTreasury, ledger: SqliteLedger, clock: Clock, tmp_path: Path
) -> None:
    """What is under way at midnight counts for the day that it began on."""
    treasury = await new_treasury(ledger)
    reserved = await reserve(treasury, 1000)
    clock.now_s = at("2026-11-28 00:00:01")
    assert (await reserve(treasury, 1000)).amount_usd_micros == 1000
    treasury.settle(reserved, 900)
    await tick(treasury)
    (statement,) = await ledger.statements(day_of(clock()))
    assert statement == Statement("acme", 0, 1000, 900, 1000)
    assert len(list((tmp_path / "books").glob("*.book"))) == 1


async def test_a_clock_that_jumps_makes_no_money(new_treasury: NewTreasury, clock: Clock) -> None:
    """Each day has its money once, however often the clock comes by."""
    treasury = await new_treasury()
    for day in ("2026-11-27", "2026-11-28", "2026-11-27", "2026-11-28", "2026-10-01", "2026-11-27"):
        clock.now_s = at(f"{day} 12:00")
        reserved = await reserve(treasury, 1000, least=0)
        treasury.settle(reserved, reserved.amount_usd_micros)
        await tick(treasury)
        with pytest.raises(BudgetExhausted):
            await reserve(treasury, 1)


async def test_without_the_ledger_nothing_is_served(
    new_treasury: NewTreasury, faulty: FaultyLedger, timer: Clock
) -> None:
    """A typed error, for a moment without asking again; and service resumes by itself."""
    faulty.is_down = True
    treasury = await new_treasury(faulty)
    with pytest.raises(LedgerUnavailable) as caught:
        await reserve(treasury, 10)
    assert cause(caught.value) == "the ledger is down"
    assert caught.value.retry_after_s == 1.0
    faulty.is_down = False
    with pytest.raises(LedgerUnavailable):
        await reserve(treasury, 10)
    timer.now_s += 0.5
    assert (await reserve(treasury, 10)).amount_usd_micros == 10


async def test_a_ledger_that_is_not_ours_stops_the_start(new_treasury: NewTreasury, tmp_path: Path) -> None:
    """Trying again would not help."""
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    with pytest.raises(LedgerUnfit, match="no Upshift ledger"):
        await new_treasury()


async def test_what_is_held_is_served_without_the_ledger(
    new_treasury: NewTreasury, faulty: FaultyLedger, clock: Clock
) -> None:
    """A ledger that is away for a while stops only those who need more; then it hears everything."""
    treasury = await new_treasury(faulty)
    await spend(treasury, 10)
    await spend(treasury, 10)
    faulty.is_down = True
    await tick(treasury)
    await spend(treasury, 10)
    faulty.is_down = False
    await tick(treasury)
    assert (await standing(faulty, clock))[0] == 30


async def test_what_is_held_is_not_spent_when_others_may_have_got_it(
    new_treasury: NewTreasury, faulty: FaultyLedger, timer: Clock
) -> None:
    """A process that the ledger has not heard of for too long asks before it spends."""
    treasury = await new_treasury(faulty)
    await spend(treasury, 100)
    faulty.is_down = True
    timer.now_s += LEASE_S + 1.0
    with pytest.raises(LedgerUnavailable):
        await reserve(treasury, 10)
    faulty.is_down = False
    timer.now_s += 10.0
    await spend(treasury, 10)


async def test_a_request_that_takes_long_keeps_its_money(
    new_treasury: NewTreasury, faulty: FaultyLedger, ledger: SqliteLedger, timer: Clock
) -> None:
    """The ledger hears of its process, though there is nothing new to say."""
    treasury = await new_treasury(faulty)
    await reserve(treasury, 100)
    await tick(treasury)
    await tick(treasury)
    faulty.calls.clear()
    timer.now_s += LEASE_S / 2
    await tick(treasury)
    assert faulty.calls == ["claim"]
    assert [book.held_usd_micros for book in await ledger.books()] == [100]


async def test_an_answer_that_is_lost_costs_nothing(
    new_treasury: NewTreasury, faulty: FaultyLedger, clock: Clock, timer: Clock
) -> None:
    """All that is told is absolute: told again, it is the same."""
    treasury = await new_treasury(faulty)
    faulty.loses_answers = True
    for _ in range(3):
        with pytest.raises(LedgerUnavailable):
            await reserve(treasury, 400)
        timer.now_s += 1.0
    faulty.loses_answers = False
    treasury.settle(await reserve(treasury, 1000), 300)
    await tick(treasury)
    assert (await standing(faulty, clock))[0] == 300
    assert (await reserve(treasury, 1000)).amount_usd_micros == 700


async def test_a_ledger_that_stalls_is_waited_for_until_the_deadline(
    new_treasury: NewTreasury, faulty: FaultyLedger
) -> None:
    """No longer than the request may take."""
    treasury = await new_treasury(faulty)
    faulty.gate.clear()
    with pytest.raises(LedgerUnavailable) as caught:
        await treasury.reserve("acme", DAILY, 1, 10, timeout_s=0.01)
    assert "has not answered" in cause(caught.value)
    faulty.gate.set()


async def test_a_request_that_is_cancelled_while_it_waits_holds_nothing(
    new_treasury: NewTreasury, faulty: FaultyLedger
) -> None:
    """What was claimed for it is there for others."""
    treasury = await new_treasury(faulty)
    faulty.gate.clear()
    waiting = asyncio.create_task(reserve(treasury, 1000))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    faulty.gate.set()
    assert (await reserve(treasury, 1000)).amount_usd_micros == 1000


async def test_a_stop_settles_everything(
    new_treasury: NewTreasury, ledger: SqliteLedger, clock: Clock, tmp_path: Path
) -> None:
    """The books are gone, and the ledger has it all."""
    treasury = await new_treasury()
    await spend(treasury, 250)
    await treasury.close()
    assert await standing(ledger, clock) == (250, 0)
    assert list((tmp_path / "books").iterdir()) == []
    await ledger.close()


async def test_a_stop_without_the_ledger_leaves_it_to_the_next_start(
    new_treasury: NewTreasury, faulty: FaultyLedger, ledger: SqliteLedger, clock: Clock, tmp_path: Path
) -> None:
    """Exactly what was spent, once."""
    treasury = await new_treasury(faulty)
    await spend(treasury, 250)
    faulty.is_down = True
    await treasury.close()
    second = SqliteLedger(tmp_path / "ledger.sqlite")
    await new_treasury(second)
    assert await standing(second, clock) == (250, 0)


async def test_a_settlement_after_the_stop_harms_nobody(new_treasury: NewTreasury) -> None:
    """The book has been left, and whoever settles it counts the whole reservation."""
    treasury = await new_treasury()
    reserved = await reserve(treasury, 10)
    await treasury.close()
    treasury.settle(reserved, 5)


async def test_a_full_disk_is_said(new_treasury: NewTreasury, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is served that cannot be noted, and what has ended counts all the same."""
    treasury = await new_treasury()
    reserved = await reserve(treasury, 100)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("router.ledger.book.os.write", full)
        with pytest.raises(LedgerUnavailable) as caught:
            await reserve(treasury, 10)
        assert "No space left" in cause(caught.value)
        treasury.settle(reserved, 60)
    assert (await reserve(treasury, 1000)).amount_usd_micros == 940


async def test_a_folder_that_cannot_be_is_said(new_treasury: NewTreasury, tmp_path: Path) -> None:
    """Without a book there is no service."""
    (tmp_path / "books").write_text("a file")
    treasury = await new_treasury()
    with pytest.raises(LedgerUnavailable) as caught:
        await reserve(treasury, 10)
    assert str(tmp_path) in cause(caught.value)
    assert str(tmp_path) not in str(caught.value), "callers are not told of files"


async def test_many_tenants_do_not_fill_the_memory(
    new_treasury: NewTreasury, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Beyond so many another till is begun, and the old one goes once it is settled."""
    monkeypatch.setattr("router.ledger.till._FULL_ACCOUNT_COUNT", 10)
    treasury = await new_treasury()
    for number in range(35):
        reserved = await treasury.reserve(f"tenant {number}", DAILY, 1, 10)
        treasury.settle(reserved, 10)
    await tick(treasury)
    assert len(list((tmp_path / "books").glob("*.book"))) == 1


async def test_trouble_is_logged_once(
    new_treasury: NewTreasury, faulty: FaultyLedger, caplog: pytest.LogCaptureFixture, timer: Clock
) -> None:
    """Not for every request, and again when it comes back."""
    treasury = await new_treasury(faulty)
    for _ in range(2):
        faulty.is_down = True
        with caplog.at_level(logging.ERROR):
            for _ in range(5):
                timer.now_s += 0.5
                with pytest.raises(LedgerUnavailable):
                    await reserve(treasury, 2000)
        faulty.is_down = False
        await tick(treasury)
    assert len(caplog.records) == 2


async def test_the_keeper_tells_by_itself(
    tmp_path: Path, ledger: SqliteLedger, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without any further request the ledger hears what was spent; a bug in one round does not stop it."""
    monkeypatch.setattr("router.ledger.treasury._TICK_S", 0.01)
    heard = asyncio.Event()

    class Listening(FaultyLedger):
        async def claim(self, book, claims):  # type: ignore[no-untyped-def]
            if claims[0].spent_usd_micros == 70:
                if "bug" not in self.calls:
                    self.calls.append("bug")
                    raise ZeroDivisionError
                heard.set()
            return await super().claim(book, claims)

    import time

    treasury = Treasury(Listening(ledger), tmp_path / "books", clock, time.monotonic)
    await treasury.start()
    await spend(treasury, 70)
    await asyncio.wait_for(heard.wait(), 30)
    await treasury.close()
