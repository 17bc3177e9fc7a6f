"""A conversation keeps its tier, for as long and wherever it can."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from backends.types import Message, Prompt, Role
from policies.cascade_routing import CascadeRouting, CascadeRoutingOptions
from policies.fixed import Fixed, FixedOptions
from policies.threshold import Threshold, ThresholdOptions
from router.conversations import Conversations
from router.events import Result
from router.request import Constraints, Request
from router.tiers import Tier
from tests.router.conftest import SURE, UNSURE, House, ask, echo_tier
from tests.router.test_tools import RIGHT, TOOLS, WRONG, asked, caller


def answering(result: Result, said: str = "sunny", **changes: Any) -> Request:
    """The request that goes on with what came of the calls."""
    turns = (
        Message(Role.USER, "Bern?"),
        Message(Role.ASSISTANT, result.text, tool_calls=result.tool_calls),
        *(Message(Role.TOOL, said, tool_call_id=call.id) for call in result.tool_calls),
    )
    return Request("next", Prompt(turns, tools=TOOLS), **changes)


def in_session(text: str = "hi", **changes: Any) -> Request:
    return ask(text, session="chat-1", **changes)


def callers() -> list[Tier]:
    """An edge that calls wrongly and is sure of all that it says, and others above it that call rightly."""
    return [
        caller("edge", WRONG, price=1_000, logprob=SURE),
        caller("local", RIGHT, price=10_000, logprob=SURE),
        caller("frontier", RIGHT, price=100_000, logprob=SURE),
    ]


async def test_a_tool_loop_goes_on_where_its_calls_came_from() -> None:
    """Whoever issued the calls reads what came of them, though a cheaper tier is sure of itself."""
    house = House(callers())
    first = await house.result(asked())
    assert first.tier == "local"
    decided = house.router().decide(answering(first))
    assert (decided.tier, decided.reason) == ("local", "conversation")
    result = await house.result(answering(first))
    assert [(report.tier, report.reason) for report in result.attempts] == [("local", "confident")]


async def test_low_confidence_escalates_as_ever() -> None:
    """The conversation's tier is where the request starts, not where it must end; it does not go down."""
    tiers = callers()
    tiers[1] = caller("local", RIGHT, price=10_000, logprob=SURE, logprobs={"sunny": UNSURE})
    house = House(tiers)
    result = await house.result(answering(await house.result(asked())))
    assert [report.tier for report in result.attempts] == ["local", "frontier"]


async def test_a_named_session_keeps_its_tier_across_turns(ladder: list[Tier]) -> None:
    """Nor need there be tools; without the name every request starts anew."""
    house = House(ladder)
    assert len((await house.result(in_session())).attempts) == 3
    again = await house.result(in_session("and now?"))
    assert [(report.tier, report.reason) for report in again.attempts] == [("frontier", "confident")]
    assert len((await house.result(ask())).attempts) == 3


async def test_conversations_belong_to_a_tenant(ladder: list[Tier]) -> None:
    """Another tenant's session of the same name is another one."""
    house = House(ladder)
    await house.result(in_session(tenant="a"))
    assert house.router().decide(in_session(tenant="b")).tier == "edge"


async def test_a_tier_that_cannot_be_asked_lets_go(ladder: list[Tier]) -> None:
    """Where it is excluded, or not there any more, the request starts as any other."""
    house = House(ladder)
    await house.result(in_session())
    only = Constraints(allowed_tiers=frozenset({"edge", "local"}))
    assert house.router().decide(in_session(constraints=only)).reason == "cheapest"
    assert replace(house, tiers=house.tiers[:2]).router().decide(in_session()).tier == "edge"


async def test_money_binds_a_conversation(ladder: list[Tier]) -> None:
    """What its tier would cost is not spent where it is not there; some answer beats none."""
    house = House([*ladder[:2], echo_tier("frontier", price=1_000_000)])
    await house.result(in_session())
    result = await house.result(in_session(constraints=Constraints(max_cost_usd_micros=1)))
    assert result.attempts[0].tier == "edge"
    assert "frontier" not in [report.tier for report in result.attempts]


async def test_a_tier_that_fails_is_followed_by_those_above() -> None:
    """And by those below where nothing else is left."""
    house = House(callers())
    first = await house.result(asked())
    failing = caller("local", price=10_000, fail="refused")
    result = await replace(house, tiers=[house.tiers[0], failing, house.tiers[2]]).result(answering(first))
    assert [report.tier for report in result.attempts] == ["local", "frontier"]
    result = await replace(house, tiers=[house.tiers[0], failing]).result(answering(first))
    assert [report.tier for report in result.attempts] == ["local", "edge"]


async def test_a_policy_that_names_its_tier_is_not_asked(ladder: list[Tier]) -> None:
    """``fixed`` means fixed."""
    house = House(ladder, Threshold(ThresholdOptions(min_confidence=0.5)))
    await house.result(in_session())
    house.policy = Fixed(FixedOptions(tier="edge"))
    assert house.router().decide(in_session()).tier == "edge"


async def test_cascade_routing_keeps_conversations_too(ladder: list[Tier]) -> None:
    """Whatever another tier promises."""
    house = House(ladder, CascadeRouting(CascadeRoutingOptions(value_of_correct_usd=10.0)))
    await house.result(in_session())
    assert house.router().decide(in_session()).reason == "conversation"


def request_of(name: str) -> Request:
    return ask(session=name)


async def test_memory_is_bounded() -> None:
    """By number, the longest unheard of first, and by time."""
    now_s = [0.0]
    house = House([echo_tier("edge")])
    result = await house.result(ask())
    memory = Conversations(lambda: now_s[0], kept_s=10.0, max_count=2)
    for name in ("a", "b"):
        memory.answered(request_of(name), result)
        now_s[0] += 1.0
    memory.answered(request_of("a"), result)
    memory.answered(request_of("c"), result)
    assert [memory.tier(request_of(name), "default") for name in "abc"] == ["edge", None, "edge"]
    now_s[0] += 10.0
    assert memory.tier(request_of("c"), "default") is None
    memory.answered(request_of("d"), result)
    assert memory.count == 1


async def test_every_policy_has_its_own_conversations() -> None:
    """What one policy found good enough is not where another starts."""
    house = House([echo_tier("edge")])
    result = await house.result(in_session())
    memory = Conversations(lambda: 0.0)
    memory.answered(in_session(), result)
    assert memory.tier(in_session(), "default") == "edge"
    assert memory.tier(in_session(), "other") is None
