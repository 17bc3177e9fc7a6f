"""A second call beside a slow one: when there is one, which is kept, and what it costs."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from backends.errors import Unavailable
from router import errors
from router.events import AttemptRejected, AttemptStarted, Event, Outcome, Result, TextDelta
from router.request import Constraints
from router.resilience.happenings import CallHedged, Happening, HedgeEnded
from router.resilience.settings import Hedging, Resilience, Retrying
from router.tiers import Limits, Tier
from tests.router.conftest import House, ask, echo_tier
from tests.router.moody import Mood, Moody, moody

DOWN = Unavailable("reset")
EAGER = Limits(resilience=Resilience(Retrying(burst=5), hedge=Hedging(min_call_count=5)))
DELAY_S = 0.001


def hedged(*moods: Mood, limits: Limits = EAGER) -> tuple[Tier, Moody]:
    """A tier whose calls usually speak after a millisecond."""
    tier, model = moody("edge", *moods, limits=limits)
    for _ in range(10):
        tier.guard.hedge_delay.add(DELAY_S)
    return tier, model


def story(events: list[Event]) -> list[str]:
    """What happened, in order."""
    said = []
    for event in events:
        if isinstance(event, AttemptStarted | AttemptRejected):
            said.append(f"{type(event).__name__[7:]} {event.number} {event.reason}")
        elif isinstance(event, TextDelta):
            said.append(f"{event.number} says {event.text.strip()}")
    return said


async def test_the_call_that_speaks_first_is_kept() -> None:
    """A silent call is given up for its hedge; both are paid for, and the attempts say so."""
    tier, model = hedged("silence", "at once")
    events = await House([tier], hedge=True).events(ask("two words"))
    assert story(events) == [
        "Started 1 cheapest",
        "Started 2 hedged",
        "Rejected 1 hedge_lost",
        "2 says at",
        "2 says once",
    ]
    result = events[-1]
    assert isinstance(result, Result)
    assert [(one.outcome, one.cost_usd_micros) for one in result.attempts] == [
        (Outcome.FAILED, 2),
        (Outcome.ACCEPTED, 4),
    ]
    assert (result.cost_usd_micros, model.cancelled_count, tier.gate.in_flight_count) == (6, 1, 0)


async def test_a_quick_call_is_not_hedged() -> None:
    """Nothing is asked twice where the first call speaks in time."""
    tier, model = moody("edge", "at once", limits=EAGER)
    for _ in range(10):
        tier.guard.hedge_delay.add(5.0)
    result = await House([tier], hedge=True).result(ask())
    assert (result.text, model.call_count) == ("at once ", 1)


@pytest.mark.parametrize("is_measured", [True, False])
async def test_only_who_pays_for_it_is_hedged(is_measured: bool) -> None:
    """Without leave of the policy, or with too few calls measured, a silent call is waited for."""
    tier, model = hedged("silence", "at once") if is_measured else moody("edge", "silence", limits=EAGER)
    house = House([tier, echo_tier("frontier")], hedge=not is_measured)
    result = await house.result(ask(timeout_s=0.4))
    assert (result.tier, model.call_count) == ("frontier", 1)


async def test_a_call_that_fails_beside_its_hedge_is_not_the_end() -> None:
    """Where one of the two fails, the other is waited for."""
    tier, model = hedged("silence", DOWN)
    house = House([tier], hedge=True)
    seen: list[Event] = []

    async def read() -> None:
        async for event in house.router().run(ask(timeout_s=0.4)):
            seen.append(event)  # noqa: PERF401  what was seen before the error counts

    with pytest.raises(errors.DeadlineExceeded):
        await read()
    assert story(seen)[:3] == ["Started 1 cheapest", "Started 2 hedged", "Rejected 2 unavailable"]
    assert (model.call_count, tier.gate.in_flight_count) == (2, 0)


async def test_both_may_fail() -> None:
    """Then the next tier is asked."""
    tier, _ = hedged("silence", DOWN)
    result = await House([tier, echo_tier("frontier")], hedge=True).result(ask(timeout_s=0.4))
    assert result.tier == "frontier"
    assert [one.reason for one in result.attempts] == ["timed_out", "unavailable", "confident"]


@pytest.mark.parametrize(
    "constraints",
    [Constraints(max_attempt_count=2), Constraints(max_cost_usd_micros=104)],
    ids=["attempts", "money"],
)
async def test_a_budget_that_does_not_pay_for_both_pays_for_one(constraints: Constraints) -> None:
    """An attempt is kept back for the next tier, and money is held by the worst case of both calls."""
    tier, model = hedged("silence", "at once")
    house = House([tier, echo_tier("frontier")], hedge=True)
    result = await house.result(ask(constraints=constraints, timeout_s=0.4))
    assert (result.tier, model.call_count) == ("frontier", 1)


async def test_no_hedge_waits_behind_others() -> None:
    """Where the tier has no place free, a second call would only wait too."""
    limits = Limits(concurrency=1, resilience=EAGER.resilience)
    tier, model = hedged("silence", "at once", limits=limits)
    result = await House([tier, echo_tier("frontier")], hedge=True).result(ask(timeout_s=0.4))
    assert (result.tier, model.call_count) == ("frontier", 1)


async def test_hedges_are_throttled() -> None:
    """No more than the burst are made in a row where the hedges do not answer either."""
    tier, model = hedged("silence")
    router = House([tier, echo_tier("frontier")], hedge=True).router()
    for number in range(8):
        async for _ in router.run(ask(id=f"r{number}", timeout_s=0.3)):
            pass
        tier.guard.hedge_delay.add(DELAY_S)
    assert model.call_count == 8 + 5


async def test_leaving_stops_both_calls() -> None:
    """A caller that leaves while two calls are silent leaves neither running, and pays for both."""
    tier, model = hedged("silence")
    house = House([tier], hedge=True)
    running = asyncio.create_task(house.events(ask("two words")))
    while model.call_count < 2:
        await asyncio.sleep(DELAY_S)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert (model.cancelled_count, tier.gate.in_flight_count) == (2, 0)
    (entry,) = house.journal.entries
    assert [one.cost_usd_micros for one in entry.attempts] == [2, 2]


async def test_leaving_between_loss_and_answer_stops_the_answer() -> None:
    """A caller that leaves on hearing which call was lost leaves the other one closed too."""
    tier, model = hedged("silence", "half")
    async with aclosing(House([tier], hedge=True).router().run(ask())) as events:
        async for event in events:
            if isinstance(event, AttemptRejected):
                break
    assert (model.call_count, tier.gate.in_flight_count) == (2, 0)


async def test_hedges_are_told_to_who_listens() -> None:
    """Metrics hear of every hedge, and of who won."""
    tier, _ = hedged("silence", "at once")
    router, told = House([tier], hedge=True).router(), list[Happening]()
    router.listen(told.append)
    async for _event in router.run(ask()):
        pass
    assert told == [CallHedged("edge", DELAY_S), HedgeEnded("edge", won=True)]
