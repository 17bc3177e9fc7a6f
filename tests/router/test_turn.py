"""A tier's turn: what is asked again, what is not, and what the caller is told of it."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.errors import Overloaded, Refused, Unavailable
from backends.types import Usage
from router import errors
from router.events import AttemptRejected, AttemptStarted, Event, Outcome, Result
from router.request import Constraints
from router.resilience.happenings import CallRepeated, Happening
from router.resilience.settings import Breaking as Breaker
from router.resilience.settings import Resilience, Retrying
from router.tiers import Limits
from tests.router.conftest import House, ask, echo_tier
from tests.router.moody import Breaking, moody

DOWN = Unavailable("reset")
ONCE = Limits(resilience=Resilience(Retrying(max_count=1)), typical_latency_s=0.01)


def story(events: list[Event]) -> list[str]:
    """What happened to each attempt, in order."""
    told = [event for event in events if isinstance(event, AttemptStarted | AttemptRejected)]
    return [f"{type(event).__name__[7:]} {event.number} {event.reason}" for event in told]


async def test_a_call_that_failed_is_made_again() -> None:
    """The same tier answers at its second call; the attempts say why, and both count."""
    tier, model = moody("edge", DOWN, "all is well", limits=ONCE)
    house = House([tier, echo_tier("frontier")])
    events = await house.events(ask())
    assert story(events) == [
        "Started 1 cheapest",
        "Rejected 1 unavailable",
        "Started 2 retried",
    ]
    result = events[-1]
    assert isinstance(result, Result)
    assert (result.tier, result.text, model.call_count) == ("edge", "all is well ", 2)
    assert [one.outcome for one in result.attempts] == [Outcome.FAILED, Outcome.ACCEPTED]


async def test_no_more_calls_than_configured() -> None:
    """After them the next tier is asked."""
    tier, model = moody("edge", DOWN, limits=ONCE)
    result = await House([tier, echo_tier("frontier")]).result(ask())
    assert (result.tier, model.call_count) == ("frontier", 2)
    assert [one.reason for one in result.attempts] == ["unavailable", "unavailable", "confident"]


async def test_what_will_not_pass_is_not_asked_again() -> None:
    """A refusal is final for its tier."""
    tier, model = moody("edge", Refused("no"), limits=ONCE)
    await House([tier, echo_tier("frontier")]).result(ask())
    assert model.call_count == 1


async def test_retry_after_is_waited_for() -> None:
    """The wait is at least what the tier asked for."""
    tier, _ = moody("edge", Unavailable("503", retry_after_s=3.0), "back", limits=ONCE)
    house = House([tier])
    assert (await house.result(ask(timeout_s=60.0))).text == "back "
    assert 3.0 <= house.pauses_s[0] <= 3.1


async def test_nobody_waits_past_the_deadline() -> None:
    """Where Retry-After does not fit before the deadline the next tier is asked at once."""
    tier, model = moody("edge", Unavailable("503", retry_after_s=3.0), limits=ONCE)
    house = House([tier, echo_tier("frontier")])
    assert (await house.result(ask(timeout_s=2.0))).tier == "frontier"
    assert (model.call_count, house.pauses_s) == (1, [])


async def test_the_last_tier_says_when_to_come_back() -> None:
    """Where nobody else can be asked, the error carries the tier's own time."""
    tier, _ = moody("edge", Overloaded("429", retry_after_s=30.0), limits=ONCE)
    with pytest.raises(errors.QueueFull) as caught:
        await House([tier]).result(ask(timeout_s=2.0))
    assert caught.value.retry_after_s == 30.0


async def test_an_attempt_is_kept_back_for_the_next_tier() -> None:
    """Of two attempts none is spent on the same tier twice where another one is left."""
    tier, model = moody("edge", DOWN, limits=ONCE)
    two = Constraints(max_attempt_count=2)
    assert (await House([tier, echo_tier("frontier")]).result(ask(constraints=two))).tier == "frontier"
    assert model.call_count == 1
    alone, other = moody("edge", DOWN, "back", limits=ONCE)
    await House([alone]).result(ask(constraints=two))
    assert other.call_count == 2


async def test_money_holds_over_all_calls() -> None:
    """A call that was billed before it broke leaves too little for another one."""
    broken = Unavailable("reset", usage=Usage(2, 10))
    tier, model = moody("edge", broken, "four words are enough", limits=ONCE)
    with pytest.raises(errors.NoTierReady):
        await House([tier]).result(ask(constraints=Constraints(max_cost_usd_micros=15)))
    assert model.call_count == 1


async def test_nothing_is_asked_again_once_text_went_out() -> None:
    """A live answer that breaks off goes to the next tier, never to the same one."""
    tier, model = moody("edge", DOWN, limits=ONCE, kind=Breaking)
    events = await House([tier, echo_tier("frontier")]).events(ask(allow_retraction=True))
    assert model.call_count == 1
    assert story(events)[:2] == ["Started 1 cheapest", "Rejected 1 unavailable"]


async def test_text_that_was_held_may_be_asked_for_again() -> None:
    """What the caller never saw can be written anew."""
    tier, model = moody("edge", DOWN, "whole", limits=ONCE, kind=Breaking)
    result = await House([tier, echo_tier("frontier")]).result(ask())
    assert (result.text, model.call_count) == ("whole ", 2)
    assert result.attempts[0].cost_usd_micros == 3


async def test_who_was_passed_on_is_not_asked_again() -> None:
    """The first node retries; retries at every hop would multiply."""
    tier, model = moody("edge", DOWN, limits=ONCE)
    with pytest.raises(errors.NoTierReady):
        await House([tier]).result(ask(hop_count=1))
    assert model.call_count == 1


async def test_a_dead_tier_is_asked_less_and_less() -> None:
    """A hundred requests make few calls: the throttle stops retries, and the circuit all of them."""
    breaker = Breaker(min_call_count=20, open_s=3600.0, max_open_s=3600.0)
    limits = Limits(resilience=Resilience(Retrying(max_count=10, burst=5), breaker))
    tier, model = moody("edge", DOWN, limits=limits)
    router = House([tier, echo_tier("frontier")]).router()
    for number in range(100):
        events = [event async for event in router.run(ask(id=f"r{number}"))]
        assert isinstance(events[-1], Result)
        assert events[-1].tier == "frontier"
        skipped = events[-1].skipped
    assert model.call_count == 20
    assert skipped == {"edge": "circuit_open"}
    assert tier.guard.health().retry_count == 5


@settings(max_examples=40, deadline=None)
@given(st.lists(st.booleans(), max_size=60))
def test_no_sequence_of_failures_multiplies_calls(fails: list[bool]) -> None:
    """N requests are never more than N * (1 + ratio) + burst calls, however they fail."""
    retries = Retrying(max_count=5, ratio=0.2, burst=3)
    limits = Limits(resilience=Resilience(retries, Breaker(enabled=False)))
    tier, model = moody("edge", *(DOWN if fail else "fine" for fail in fails), "fine", limits=limits)
    router = House([tier, echo_tier("frontier")]).router()

    async def ask_all() -> int:
        request_count = 0
        while model.call_count < len(fails):
            request_count += 1
            async for _ in router.run(ask(id=f"r{request_count}")):
                pass
        return request_count

    request_count = asyncio.run(ask_all())
    assert model.call_count <= request_count * (1 + retries.ratio) + retries.burst


async def test_an_open_circuit_alone_is_a_typed_error() -> None:
    """Where the only tier is left alone, the caller is told at once when to come back."""
    limits = Limits(resilience=Resilience(breaker=Breaker(min_call_count=1, open_s=7.0)))
    tier, model = moody("edge", DOWN, limits=limits)
    router = House([tier]).router()

    async def read() -> None:
        async for _ in router.run(ask()):
            pass

    for _ in range(2):
        with pytest.raises(errors.NoTierReady) as caught:
            await read()
    assert caught.value.metadata == {"edge": "circuit_open"}
    assert 6.0 < caught.value.retry_after_s <= 7.0
    assert model.call_count == 1


async def test_retries_are_told_to_who_listens() -> None:
    """Metrics hear of every call that is made again."""
    tier, _ = moody("edge", DOWN, "back", limits=ONCE)
    house = House([tier])
    router, told = house.router(), list[Happening]()
    router.listen(told.append)
    async for _event in router.run(ask()):
        pass
    assert told == [CallRepeated("edge", "unavailable", house.pauses_s[0])]
