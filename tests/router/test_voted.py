"""Arms in the loop: a tier asked several times, its vote, its account, and its failures."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.types import Sampling
from policies.answers import settle
from policies.arms import Arm
from policies.base import Policy, State, Stop, Try, Verdict
from router.errors import BudgetExhausted, NoTierReady
from router.events import Decided, Outcome, TextDelta
from router.request import Constraints
from router.tiers import Tier
from tests.router.conftest import House, ask
from tests.router.scripted_model import PRICE, ScriptedModel, scripted

ARM = Arm(tier="edge", samples=3)
SEVEN, EIGHT = "The answer is 7", "The answer is 8"


class Wants:
    """Tries what it was told, in order, as far as it is open; then takes what there is."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.seen: list[State] = []

    def decide(self, state: State) -> Verdict:
        """Decide."""
        self.seen.append(state)
        for candidate in state.candidates:
            if candidate.tier in self.names:
                return Try(candidate.tier, "fixed")
        return settle(state) if state.answered else Stop("no_tier_left")


def house(*models: tuple[Tier, ScriptedModel], policy: Policy) -> House:
    """A router over scripted models, with the arm."""
    return House([tier for tier, _ in models], policy=policy, arms=(ARM,))


async def test_the_majority_answers() -> None:
    """Two of three outvote the first, and the text elected is one of theirs."""
    edge = scripted("edge", EIGHT, SEVEN, SEVEN)
    result = await house(edge, policy=Wants("edge@3")).result(ask())
    assert (result.tier, result.text.strip()) == ("edge@3", SEVEN)
    assert result.attempts[0].signals["sample_majority_share"] == pytest.approx(2 / 3)


async def test_samples_run_at_once_and_the_first_as_asked() -> None:
    """The caller's own sampling is the first sample's; the others have seeds and some heat."""
    edge, model = scripted("edge", SEVEN)
    await house((edge, model), policy=Wants("edge@3")).result(ask())
    assert model.most_running == 3
    assert [prompt.sampling.temperature for prompt in model.asked] == [0.0, 0.7, 0.7]


async def test_the_account_is_the_sum_of_the_samples() -> None:
    """Tokens and money are those of all three, rounded up once."""
    edge = scripted("edge", SEVEN, price=PRICE // 4)
    result = await house(edge, policy=Wants("edge@3")).result(ask("two words"))
    assert (result.usage.input_token_count, result.usage.output_token_count) == (6, 12)
    assert result.cost_usd_micros == 5


async def test_a_failed_sample_counts_as_dissent() -> None:
    """Two of three answer and agree: they are elected with two votes of three."""
    edge = scripted("edge", "fail", SEVEN, SEVEN)
    report = (await house(edge, policy=Wants("edge@3")).result(ask())).attempts[0]
    assert report.outcome is Outcome.ACCEPTED
    assert report.signals["sample_majority_share"] == pytest.approx(2 / 3)


async def test_no_sample_is_a_failed_attempt() -> None:
    """Where all fail, the arm failed for their reason, and the request goes on or ends typed."""
    edge, local = scripted("edge", "fail"), scripted("local", SEVEN, price=10 * PRICE)
    result = await house(edge, local, policy=Wants("edge@3", "local")).result(ask())
    failed = result.attempts[0]
    assert (failed.tier, failed.outcome, failed.reason) == ("edge@3", "failed", "unavailable")
    with pytest.raises(NoTierReady):
        await house(scripted("edge", "fail"), policy=Wants("edge@3")).result(ask())


async def test_text_is_held_until_the_vote() -> None:
    """Even a caller who allows retraction sees the elected text only, in one piece."""
    edge = scripted("edge", EIGHT, SEVEN, SEVEN)
    events = await house(edge, policy=Wants("edge@3")).events(ask(allow_retraction=True))
    assert [event.text.strip() for event in events if isinstance(event, TextDelta)] == [SEVEN]


async def test_cancellation_reaches_every_sample_and_books_it() -> None:
    """A caller who hangs up stops all three; what they read is paid for and on the account."""
    edge, model = scripted("edge", "stall")
    asked = house((edge, model), policy=Wants("edge@3"))

    async def consume() -> None:
        async with aclosing(asked.router().run(ask("two words"))) as events:
            async for _ in events:
                pass

    task = asyncio.create_task(consume())
    while model.running < 3:
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (model.running, edge.gate.in_flight_count) == (0, 0)
    assert asked.journal.entries[0].attempts[0].cost_usd_micros == 6


async def test_a_sample_that_stalls_does_not_spoil_the_vote() -> None:
    """At the deadline the others vote, and what hangs counts against them."""
    edge = scripted("edge", SEVEN, "stall", SEVEN)
    result = await house(edge, policy=Wants("edge@3")).result(ask(timeout_s=0.2))
    assert result.text.strip() == SEVEN
    assert result.attempts[0].signals["sample_majority_share"] == pytest.approx(2 / 3)


async def test_an_arm_is_a_candidate_between_tiers() -> None:
    """It stands above its tier and below what costs more; the ladder names tiers alone."""
    policy = Wants("edge")
    models = scripted("edge", SEVEN), scripted("local", SEVEN, price=10 * PRICE)
    await house(*models, policy=policy).result(ask())
    assert [c.tier for c in policy.seen[0].candidates] == ["edge", "edge@3", "local"]
    assert policy.seen[0].candidates[1].cost_usd_micros == 3 * policy.seen[0].candidates[0].cost_usd_micros
    assert policy.seen[0].ladder == ("edge", "local")


async def test_a_vote_makes_the_single_answer_pointless() -> None:
    """Once three were asked, the tier alone is no candidate any more; the other way round the arm is."""
    first, second = Wants("edge@3"), Wants("edge")
    models = scripted("edge", SEVEN), scripted("local", SEVEN, price=10 * PRICE)
    await house(*models, policy=first).result(ask())
    await house(*models, policy=second).result(ask())
    assert [c.tier for c in first.seen[-1].candidates] == ["local"]
    assert [c.tier for c in second.seen[-1].candidates] == ["edge@3", "local"]


async def test_who_may_not_ask_the_tier_may_not_ask_the_arm() -> None:
    """A request's constraints hold for what an arm asks."""
    models = scripted("edge", SEVEN), scripted("local", SEVEN, price=10 * PRICE)
    allowed = Constraints(allowed_tiers=frozenset({"local"}))
    events = await house(*models, policy=Wants("edge@3", "local")).events(ask(constraints=allowed))
    assert isinstance(events[0], Decided)
    reasons = {estimate.tier: estimate.exclusion_reason for estimate in events[0].estimates}
    assert reasons == {"edge": "not_allowed", "edge@3": "not_allowed", "local": None}


async def test_a_request_limits_each_sample() -> None:
    """The most tokens that a request allows are those of one answer, and each sample may have them."""
    edge, model = scripted("edge", "one two three four five")
    await house((edge, model), policy=Wants("edge@3")).result(
        ask(sampling=Sampling(max_output_token_count=2))
    )
    assert [prompt.sampling.max_output_token_count for prompt in model.asked] == [2, 2, 2]


@settings(max_examples=60, deadline=None)
@given(
    money=st.integers(0, 400),
    price=st.integers(0, 3 * PRICE),
    lengths=st.lists(st.integers(1, 60), min_size=3, max_size=3),
)
def test_money_is_never_overspent(money: int, price: int, lengths: Sequence[int]) -> None:
    """However long the samples get, all of them together stay within the budget."""
    edge = scripted("edge", *("word " * length for length in lengths), price=price)
    asked = house(edge, policy=Wants("edge@3"))
    try:
        result = asyncio.run(asked.result(ask(constraints=Constraints(max_cost_usd_micros=money))))
    except BudgetExhausted:
        return
    assert result.cost_usd_micros <= money
