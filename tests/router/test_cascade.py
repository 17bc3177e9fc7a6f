"""The loop: order of events, escalation, limits, failures, cancellation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace

import pytest

from backends.types import GrammarFormat, JsonSchemaFormat, Message, Prompt, Role, Sampling
from policies.fixed import Fixed, FixedOptions
from router import errors
from router.events import AttemptRejected, Decided, Event, Outcome, Result, TextDelta
from router.request import Constraints, Request
from router.tiers import Limits, Tier
from tests.router.conftest import SURE, UNSURE, House, ask, echo_tier


def kinds(events: list[Event]) -> list[str]:
    """Names of the events' classes."""
    return [type(event).__name__ for event in events]


def result_of(events: list[Event]) -> Result:
    """The result that the events end with."""
    assert isinstance(events[-1], Result)
    return events[-1]


async def test_a_sure_cheap_answer_ends_the_request() -> None:
    """The cheapest tier answers where it is sure, and nothing else runs."""
    house = House([echo_tier("edge", logprob=SURE), echo_tier("frontier")])
    events = await house.events(ask("hello there"))
    assert kinds(events) == ["Decided", "AttemptStarted", "TextDelta", "Result"]
    assert (result_of(events).tier, result_of(events).text, result_of(events).reason) == (
        "edge",
        "hello there",
        "confident",
    )


async def test_an_unsure_answer_shifts_up(ladder: list[Tier]) -> None:
    """Each unsure tier is rejected in turn, and the first sure one answers."""
    events = await House(ladder).events(ask())
    result = result_of(events)
    assert [event.reason for event in events if isinstance(event, AttemptRejected)] == ["low_confidence"] * 2
    assert [attempt.outcome for attempt in result.attempts] == ["rejected", "rejected", "accepted"]
    assert result.text == "frontier says"


async def test_decision_comes_first_and_one_resultlast(ladder: list[Tier]) -> None:
    """Every stream opens with its decision and closes with its only result."""
    events = await House(ladder).events(ask(allow_retraction=True))
    assert isinstance(events[0], Decided)
    assert [isinstance(event, Result) for event in events].count(True) == 1
    assert isinstance(events[-1], Result)


async def test_text_is_held_until_it_is_accepted(ladder: list[Tier]) -> None:
    """Without leave to retract, no text of a rejected attempt is sent."""
    events = await House(ladder).events(ask())
    assert {event.number for event in events if isinstance(event, TextDelta)} == {3}


async def test_text_may_be_retracted_where_the_caller_allows(ladder: list[Tier]) -> None:
    """With leave to retract, every attempt streams live and is voided when rejected."""
    events = await House(ladder).events(ask(allow_retraction=True))
    assert {event.number for event in events if isinstance(event, TextDelta)} == {1, 2, 3}
    assert [event.number for event in events if isinstance(event, AttemptRejected)] == [1, 2]


async def test_a_tier_that_cannot_be_escalated_from_streams_live() -> None:
    """The top tier's words are sent one by one, not at the end."""
    events = await House([echo_tier("only", reply="one two three", logprob=UNSURE)]).events(ask())
    assert [event.text for event in events if isinstance(event, TextDelta)] == ["one", " two", " three"]


async def test_low_confidence_at_the_top_is_an_answer() -> None:
    """The top tier's answer is given with its low confidence."""
    result = await House([echo_tier("only", logprob=UNSURE)]).result(ask())
    assert result.reason == "exhausted"
    assert result.confidence == pytest.approx(0.0498, abs=1e-3)


async def test_the_best_earlier_answer_wins_when_the_top_fails(ladder: list[Tier]) -> None:
    """When a dearer tier fails, the surest earlier answer is given and its text is sent."""
    ladder[1] = echo_tier("local", reply="local says", logprob=-1.0)
    ladder[2] = echo_tier("frontier", fail="unavailable")
    events = await House(ladder).events(ask())
    result = result_of(events)
    assert (result.tier, result.text, result.attempts[2].outcome) == ("local", "local says", Outcome.FAILED)
    assert events[-2] == TextDelta(2, "local says")


async def test_a_live_text_that_breaks_off_is_voided() -> None:
    """A tier that fails in the middle of its live text has it retracted before another answers."""
    tiers = [
        echo_tier("broken", reply="a b c", fail="unavailable", fail_after_token_count=2),
        echo_tier("sound"),
    ]
    house = House(tiers, policy=Fixed(FixedOptions(tier="broken", fall_back=True)))
    events = await house.events(ask("right answer"))
    assert kinds(events)[1:6] == [
        "AttemptStarted",
        "TextDelta",
        "TextDelta",
        "AttemptRejected",
        "AttemptStarted",
    ]
    assert result_of(events).text == "right answer"


async def test_attempts_cost_what_their_tokens_cost(ladder: list[Tier]) -> None:
    """Cost is tokens times price, rounded up an attempt, and summed over all attempts."""
    result = await House(ladder).result(ask("two words"))
    assert [attempt.cost_usd_micros for attempt in result.attempts] == [1, 1, 1]
    assert (result.usage.input_token_count, result.usage.output_token_count) == (6, 6)


async def test_money_rules_out_what_it_does_not_pay_for(ladder: list[Tier]) -> None:
    """A tier whose usual answer costs more than what is left is not tried."""
    ladder[2] = echo_tier("frontier", price=1_000_000_000)
    result = await House(ladder).result(ask(constraints=Constraints(max_cost_usd_micros=5_000)))
    assert (result.tier, result.cost_usd_micros, result.reason) == ("local", 2, "over_budget")


async def test_money_is_never_overspent() -> None:
    """The output limit is cut to what the money pays for, so the worst case is within it."""
    tier = echo_tier("edge", price=1_000_000, reply="word " * 500)
    result = await House([tier]).result(ask("one", constraints=Constraints(max_cost_usd_micros=20)))
    assert result.cost_usd_micros == 20
    assert result.finish_reason == "length"


async def test_no_money_is_an_error() -> None:
    """Where the money pays for no tier at all, the request fails typed and nothing runs."""
    house = House([echo_tier("edge", price=1_000_000_000)])
    with pytest.raises(errors.BudgetExhausted):
        await house.events(ask(constraints=Constraints(max_cost_usd_micros=1)))


async def test_attempts_are_counted(ladder: list[Tier]) -> None:
    """No more attempts are made than allowed; the best answer so far is given."""
    result = await House(ladder).result(ask(constraints=Constraints(max_attempt_count=2)))
    assert len(result.attempts) == 2
    assert result.reason == "no_attempts_left"


async def test_only_allowed_tiers_run(ladder: list[Tier]) -> None:
    """A request that names a tier gets that tier or nothing."""
    result = await House(ladder).result(ask(constraints=Constraints(allowed_tiers=frozenset({"local"}))))
    assert [attempt.tier for attempt in result.attempts] == ["local"]


async def test_local_only_never_leaves_the_machine(ladder: list[Tier]) -> None:
    """An external tier is not asked for a local-only request, whatever the confidence."""
    ladder[2] = echo_tier("frontier", external=True)
    result = await House(ladder).result(ask(constraints=Constraints(local_only=True)))
    assert {attempt.tier for attempt in result.attempts} == {"edge", "local"}


async def test_no_allowed_tier_is_an_error(ladder: list[Tier]) -> None:
    """Constraints that leave no tier are told apart from tiers that are down."""
    only_external = [echo_tier("frontier", external=True)]
    with pytest.raises(errors.NoTierAllowed):
        await House(only_external).events(ask(constraints=Constraints(local_only=True)))


async def test_a_grammar_is_for_those_who_enforce_it(ladder: list[Tier]) -> None:
    """No tier is asked for a grammar that it cannot keep to: nothing could check the answer."""
    asked = ask()
    asked = replace(asked, prompt=replace(asked.prompt, response_format=GrammarFormat('root ::= "a"')))
    with pytest.raises(errors.NoTierAllowed, match="no_grammar"):
        await House(ladder).events(asked)


async def test_a_prompt_that_fits_nowhere_is_an_error() -> None:
    """A prompt longer than every context fails typed before anything runs."""
    with pytest.raises(errors.ContextTooLong):
        await House([echo_tier("edge", context_token_count=3)]).events(ask("a b c d"))


async def test_all_tiers_down_is_an_error() -> None:
    """Where every tier fails, the caller is told to come back."""
    with pytest.raises(errors.NoTierReady) as caught:
        await House([echo_tier("edge", fail="unavailable")]).events(ask())
    assert caught.value.metadata == {"edge": "unavailable"}


async def test_refusal_by_all_providers_is_final() -> None:
    """Where every provider refuses, the error does not invite a retry."""
    with pytest.raises(errors.RequestRefused):
        await House([echo_tier("edge", fail="refused")]).events(ask())


async def test_a_full_queue_is_an_error() -> None:
    """A request beyond a tier's queue is turned away at once."""
    limits = Limits(concurrency=1, queue=0)
    router = House([echo_tier("edge", first_token_delay_s=5, limits=limits)]).router()
    async with aclosing(router.run(ask())) as first:
        await anext(first)
        await anext(first)
        waiting = asyncio.ensure_future(anext(first))
        await asyncio.sleep(0)
        with pytest.raises(errors.QueueFull):
            await last(router.run(ask(id="second")))
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


async def test_the_deadline_holds() -> None:
    """A request past its deadline with nothing answered fails typed."""
    with pytest.raises(errors.DeadlineExceeded):
        await House([echo_tier("edge", first_token_delay_s=5)]).events(ask(timeout_s=0.02))


async def test_an_earlier_answer_beats_the_deadline() -> None:
    """When the dearer tier runs out of time, the earlier answer is still delivered in time."""
    tiers = [echo_tier("edge", logprob=UNSURE), echo_tier("frontier", first_token_delay_s=5)]
    result = await House(tiers).result(ask(timeout_s=0.2))
    assert (result.tier, result.attempts[1].reason) == ("edge", "timed_out")
    assert result.latency_s < 0.2


async def test_a_slow_cheap_tier_leaves_time_for_one_escalation() -> None:
    """A tier that hangs is cut off early enough for the next one to answer."""
    tiers = [echo_tier("edge", first_token_delay_s=5), echo_tier("frontier", logprob=SURE)]
    result = await House(tiers).result(ask(timeout_s=0.2))
    assert result.tier == "frontier"


async def test_cancelling_stops_the_model_and_books_what_was_spent() -> None:
    """A closed stream ends at once; the journal has the cancelled attempt and its cost."""
    house = House([echo_tier("edge", price=1_000_000, reply="a b c d", token_delay_s=5)])
    async with aclosing(house.router().run(ask("x y"))) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                break
    (entry,) = house.journal.entries
    assert entry.error_reason == "CANCELLED"
    assert [(a.outcome, a.reason, a.cost_usd_micros) for a in entry.attempts] == [("failed", "cancelled", 3)]


async def test_a_wrong_form_shifts_up_whatever_the_confidence() -> None:
    """An answer that its schema refuses is rejected though every token was certain."""
    tiers = [echo_tier("edge", reply="not JSON", logprob=SURE), echo_tier("frontier", reply='{"a": 1}')]
    prompt = Prompt(
        (Message(Role.USER, "go"),), Sampling(), JsonSchemaFormat({"required": ["a"], "type": "object"})
    )
    events = await House(tiers).events(Request("r", prompt))
    assert [e.reason for e in events if isinstance(e, AttemptRejected)] == ["failed_validation"]
    assert result_of(events).tier == "frontier"


async def test_every_request_is_journalled(ladder: list[Tier]) -> None:
    """An answered request leaves one entry with its decision, its result and every attempt."""
    house = House(ladder)
    await house.events(ask())
    (entry,) = house.journal.entries
    assert entry.result is not None
    assert entry.decided is not None
    assert len(entry.attempts) == 3


async def test_a_request_can_only_tighten_its_policy(ladder: list[Tier]) -> None:
    """The stricter of the policy's and the request's confidence holds."""
    house = House(ladder, constraints=Constraints(min_confidence=0.9, max_attempt_count=1))
    result = await house.result(ask(constraints=Constraints(min_confidence=0.1, max_attempt_count=3)))
    assert len(result.attempts) == 1


async def last(events: AsyncIterator[Event]) -> Event:
    """The last event of a stream."""
    return [event async for event in events][-1]
