"""Answers given up while they are written: the model stops, the money is booked, the next tier answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.types import Capabilities, Completion, Delta, FinishReason, Prompt, TokenLogprob, Usage
from policies.certified import Certified, CertifiedOptions
from policies.logistic import Logistic
from policies.stopping import LEVELS, Checkpoint, Stopping
from router.certificates.warrant import Permit
from router.errors import BudgetExhausted
from router.events import AttemptRejected, AttemptStarted, Event, Outcome, Result, TextDelta
from router.request import Constraints
from router.tiers import Limits, Price, Tier
from tests.policies.guarantee.certificates import certificate
from tests.router.conftest import SURE, UNSURE, House, ask, echo_tier

WORDS = " ".join(f"word{number}" for number in range(40))


def checkpoint(token_count: int, rest_token_count: float = 1000.0) -> Checkpoint:
    """A model that gives up whatever begins with tokens of less than a half."""
    level = np.ones(len(LEVELS))
    # A mean of ln 0.5 is compressed to about -2.7; ten times the distance from it are the log-odds.
    return Checkpoint(
        token_count=token_count,
        names=(f"prefix_{token_count}_logprob_mean",),
        mean=np.array([-2.7]),
        scale=np.ones(1),
        logistic=Logistic(np.array([0.0, 10.0]), 0.0),
        slopes=level,
        intercepts=0.0 * level,
        floors=0.5 * level,
        rest_token_count=rest_token_count,
    )


LEARNT = Stopping({"edge": (checkpoint(8), checkpoint(16))})


class Counting:
    """A backend of forty doubtful words that counts what it wrote, and knows when it was closed."""

    def __init__(self, logprob: float = UNSURE, *, chunk: int = 1) -> None:
        self.capabilities = Capabilities("counting", logprobs=True)
        self.logprob = logprob
        self.chunk = chunk
        self.written_count = 0
        self.was_closed_early = False

    async def start(self) -> None:
        """Be ready."""

    async def close(self) -> None:
        """Do nothing."""

    def count_tokens(self, prompt: Prompt) -> int:
        """Two."""
        return 2

    async def stream(
        self, prompt: Prompt, *, timeout_s: float | None = None
    ) -> AsyncGenerator[Delta | Completion]:
        """Write, a chunk a turn of the loop."""
        most = min(prompt.sampling.max_output_token_count or 40, 40)
        start = self.written_count
        try:
            while self.written_count - start < most:
                await asyncio.sleep(0)
                self.written_count += self.chunk
                yield Delta("x " * self.chunk, tokens=(TokenLogprob("x ", self.logprob),) * self.chunk)
            yield Completion(FinishReason.STOP, Usage(2, most))
        except GeneratorExit:
            self.was_closed_early = True
            raise


def house(backend: Counting | None = None, stopping: Stopping = LEARNT, **changes: object) -> House:
    """A small tier that may be given up, and one above it."""
    edge = Tier("edge", "fake", backend or Counting(), Price(1_000_000, 1_000_000), Limits())
    made = House([edge, echo_tier("top", reply="top says", logprob=SURE)], stopping=stopping)
    return replace(made, **changes)  # type: ignore[arg-type]


def result_of(events: list[Event]) -> Result:
    assert isinstance(events[-1], Result)
    return events[-1]


async def test_a_doubtful_beginning_is_given_up_for_the_next_tier() -> None:
    """The rejection and the next start both say why."""
    events = await house().events(ask())
    rejected = [event for event in events if isinstance(event, AttemptRejected)]
    started = [event.reason for event in events if isinstance(event, AttemptStarted)]
    assert [(event.number, event.reason) for event in rejected] == [(1, "aborted_early")]
    assert started == ["cheapest", "aborted_early"]
    assert (result_of(events).tier, result_of(events).text) == ("top", "top says")


@pytest.mark.parametrize("chunk", [1, 4])
async def test_the_model_stops_within_a_step(chunk: int) -> None:
    """Its stream is closed at the checkpoint, before it writes another piece."""
    backend = Counting(chunk=chunk)
    await house(backend).events(ask())
    assert backend.was_closed_early
    assert backend.written_count == 8


async def test_an_answer_that_came_in_one_piece_is_not_given_up() -> None:
    """Nothing is left to save."""
    learnt = Stopping({"edge": (checkpoint(8, rest_token_count=30.0),)})
    result = await house(Counting(chunk=40), learnt).result(ask())
    assert [attempt.reason for attempt in result.attempts] == ["low_confidence", "confident"]


async def test_what_was_written_is_booked_and_told() -> None:
    """Two tokens read and eight written; the account and the journal carry the probability it fell to."""
    made = house()
    first, second = (await made.result(ask())).attempts
    assert (first.outcome, first.reason) == (Outcome.REJECTED, "aborted_early")
    assert (first.usage, first.cost_usd_micros, first.confidence) == (Usage(2, 8), 10, None)
    assert first.signals["kept_probability"] < 0.5
    assert "prefix_8_logprob_mean" in first.signals
    assert second.outcome == Outcome.ACCEPTED
    assert made.journal.entries[0].attempts == (first, second)


async def test_a_sure_beginning_is_let_finish() -> None:
    """The same tier, surer of its words, answers."""
    backend = Counting(SURE)
    assert (await house(backend).result(ask())).tier == "edge"
    assert not backend.was_closed_early


async def test_nothing_is_given_up_where_nothing_was_learnt() -> None:
    """The doubtful answer is written to its end, and rejected then."""
    backend = Counting()
    result = await house(backend, Stopping()).result(ask())
    assert [attempt.reason for attempt in result.attempts] == ["low_confidence", "confident"]
    assert not backend.was_closed_early


async def test_a_text_that_was_shown_is_voided() -> None:
    """With leave to retract, the first words are sent and then withdrawn."""
    events = await house().events(ask(allow_retraction=True))
    kinds = [type(event) for event in events]
    assert kinds.count(TextDelta) > 8
    rejected = kinds.index(AttemptRejected)
    assert {event.number for event in events[:rejected] if isinstance(event, TextDelta)} == {1}
    assert {event.number for event in events[rejected:] if isinstance(event, TextDelta)} == {2}


async def test_it_is_not_given_up_where_its_rest_is_cheaper_than_the_risk() -> None:
    """With a token left to write and a dear tier above, the answer is finished."""
    cheap_rest = Stopping({"edge": (checkpoint(8, rest_token_count=1.0),)})
    made = house(stopping=cheap_rest)
    made.tiers[1] = echo_tier("top", reply="top says", logprob=SURE, price=10**12)
    assert (await made.result(ask())).attempts[0].reason == "low_confidence"


@pytest.mark.parametrize(
    "limits", [Constraints(max_attempt_count=1), Constraints(allowed_tiers=frozenset({"edge"}))]
)
async def test_it_is_not_given_up_for_nothing(limits: Constraints) -> None:
    """Where no other tier may be asked, the doubtful answer is the answer."""
    assert (await house().result(ask(constraints=limits))).tier == "edge"


async def test_it_is_not_given_up_for_a_tier_that_the_money_left_does_not_pay_for() -> None:
    """What was written so far counts as spent."""
    made = house()
    made.tiers[1] = echo_tier("top", reply="top says", logprob=SURE, price=2_000_000)
    # Up to 42 for the first tier; after 10 of them, 18 do not pay for two tokens and twice four.
    result = await made.result(ask(constraints=Constraints(max_cost_usd_micros=28)))
    assert result.tier == "edge"


async def test_where_all_above_fail_it_is_asked_again_and_let_finish() -> None:
    """An answer that was given up too early costs time, not the answer."""
    made = house()
    made.tiers[1] = echo_tier("top", fail="unavailable")
    result = await made.result(ask())
    assert [attempt.reason for attempt in result.attempts][:2] == ["aborted_early", "unavailable"]
    assert (result.tier, len(result.attempts)) == ("edge", 3)


async def test_two_tiers_that_were_given_up_end_too() -> None:
    """Each is asked once more at most."""
    both = Stopping({"edge": (checkpoint(8),), "local": (checkpoint(8),)})
    made = house(stopping=both)
    local = Tier("local", "fake", Counting(), Price(1_000_000, 1_000_000), Limits())
    made.tiers[1:] = [local, echo_tier("top", fail="unavailable")]
    result = await made.result(ask())
    assert [attempt.tier for attempt in result.attempts] == ["edge", "local", "top", "edge"]
    assert result.tier == "edge"


async def test_a_client_that_leaves_still_closes_the_model() -> None:
    """Watching an answer keeps nobody from cancelling it."""
    backend = Counting(SURE)
    async with aclosing(house(backend).router().run(ask(allow_retraction=True))) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                break
    assert backend.was_closed_early
    assert backend.written_count < 40


def test_under_a_certificate_nothing_is_given_up() -> None:
    """Its test saw no answer given up, and the net bound does not survive escalations that it did not see."""
    made = house()
    for tier in made.tiers:
        tier.ready = True
    plan = made.planner().plan(ask())
    rule = Certified(CertifiedOptions(max_loss=0.02))
    permit = Permit(certificate(), rule.under(certificate().setting), 0.02)
    assert plan.stopping is LEARNT
    assert not replace(plan, permit=permit).stopping.tiers


@settings(max_examples=40, deadline=None)
@given(
    money=st.integers(1, 200),
    prices=st.tuples(st.integers(0, 3_000_000), st.integers(0, 30_000_000)),
    logprob=st.floats(-4.0, 0.0),
    rest=st.floats(0.0, 1e4),
)
async def test_the_money_is_never_exceeded(
    money: int, prices: tuple[int, int], logprob: float, rest: float
) -> None:
    """Whatever is given up, and when."""
    made = house(stopping=Stopping({"edge": (checkpoint(8, rest), checkpoint(16, rest))}))
    made.tiers[0] = Tier("edge", "fake", Counting(logprob), Price(prices[0], prices[0]), Limits())
    made.tiers[1] = echo_tier("top", reply=WORDS, logprob=SURE, price=prices[1])
    with suppress(BudgetExhausted):
        await made.events(ask(constraints=Constraints(max_cost_usd_micros=money)))
    spent = sum(attempt.cost_usd_micros for entry in made.journal.entries for attempt in entry.attempts)
    assert spent <= money
