"""Requests with tools on their way through the router: who is asked, what is believed, and what comes out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from backends.tools import Tool, Toolbox, ToolCall, ToolChoice, ToolMode
from backends.types import FinishReason, JsonSchemaFormat, Message, Prompt, Role, Sampling
from router.errors import NoTierAllowed
from router.events import Result, TextDelta
from router.journal.record import Record
from router.request import Request
from router.tiers import Tier
from tests.router.conftest import SURE, UNSURE, House, ask, echo_tier

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = Toolbox((Tool("look_up", "Finds a city.", SCHEMA), Tool("now")))
RIGHT, WRONG = '{"city": "Bern"}', '{"town": "Bern"}'


def caller(name: str, *arguments: str, price: int = 0, **options: Any) -> Tier:
    """A tier that looks up what it is asked."""
    calls = {"Bern?": [{"name": "look_up", "arguments": each} for each in arguments]}
    return echo_tier(name, price=price, tools=True, calls=calls, **options)


def asked(tools: Toolbox | None = TOOLS, **changes: Any) -> Request:
    request = ask("Bern?")
    return replace(request, prompt=replace(request.prompt, tools=tools, **changes))


async def test_a_call_is_delivered_whole() -> None:
    """The result holds the calls, and no piece of them goes out before."""
    house = House([caller("edge", RIGHT, RIGHT)])
    *events, result = await house.events(asked())
    assert isinstance(result, Result)
    assert [(call.name, call.arguments) for call in result.tool_calls] == [("look_up", RIGHT)] * 2
    assert len({call.id for call in result.tool_calls}) == 2
    assert (result.text, result.finish_reason) == ("", FinishReason.TOOL_CALLS)
    assert not any(isinstance(event, TextDelta) for event in events)


async def test_only_tiers_that_can_call_are_asked() -> None:
    """The others are left out, and say why; where there is none, the request fails as not allowed."""
    house = House([echo_tier("edge"), caller("frontier", RIGHT, price=10)])
    result = await house.result(asked())
    assert result.tier == "frontier"
    assert house.router().decide(asked()).estimates[0].exclusion_reason == "no_tools"
    with pytest.raises(NoTierAllowed, match="no_tools"):
        await House([echo_tier("edge")]).result(asked())


async def test_a_conversation_with_calls_needs_a_tier_that_knows_them() -> None:
    """Also where no tools are offered any more."""
    turns = (
        Message(Role.USER, "Bern?"),
        Message(Role.ASSISTANT, "", tool_calls=(ToolCall("c1", "look_up", RIGHT),)),
        Message(Role.TOOL, "sunny", tool_call_id="c1"),
    )
    house = House([echo_tier("edge"), caller("frontier", price=10)])
    result = await house.result(Request("r", Prompt(turns)))
    assert (result.tier, result.text) == ("frontier", "sunny")


WRONGS = {
    "against the schema": ([WRONG], TOOLS),
    "no JSON": (["{oops"], TOOLS),
    "no object": (["[]"], TOOLS),
    "one of two": ([RIGHT, WRONG], TOOLS),
    "more than one": ([RIGHT, RIGHT], replace(TOOLS, parallel_calls=False)),
    "another": ([RIGHT], replace(TOOLS, choice=ToolChoice(ToolMode.REQUIRED, "now"))),
    "none": ([], replace(TOOLS, choice=ToolChoice(ToolMode.REQUIRED))),
}


@pytest.mark.parametrize("kind", WRONGS)
async def test_a_wrong_call_is_refuted(kind: str) -> None:
    """What the tools do not allow is not believed, however sure the model was."""
    arguments, tools = WRONGS[kind]
    house = House([caller("edge", *arguments, logprob=SURE), caller("frontier", RIGHT, price=10)])
    result = await house.result(asked(tools))
    assert result.attempts[0].reason == "failed_validation"
    assert result.attempts[0].signals["tool_calls_valid"] == 0.0
    assert result.tier == "frontier"


async def test_a_right_call_counts_with_what_its_tier_is_worth() -> None:
    """Nothing was calibrated on calls, so their confidence is not known."""
    house = House(
        [caller("edge", RIGHT, reply="I look.", logprob=UNSURE), caller("frontier", RIGHT, price=10)]
    )
    result = await house.result(asked())
    assert result.attempts[0].confidence is None
    assert result.attempts[0].signals["tool_calls_valid"] == 1.0
    assert result.tier == "edge"


async def test_a_call_owes_no_form() -> None:
    """The form that was asked for is that of an answer, which comes when the tools have answered."""
    form = JsonSchemaFormat({"type": "object", "required": ["n"]})
    house = House([caller("edge", RIGHT), caller("frontier", RIGHT, price=10)])
    result = await house.result(asked(response_format=form))
    assert (result.tier, bool(result.tool_calls)) == ("edge", True)
    answered = await House([echo_tier("edge", tools=True, reply='{"n": 1}')]).result(
        asked(response_format=form)
    )
    assert answered.attempts[0].signals["json_schema_valid"] == 1.0


async def test_tokens_come_where_they_are_asked_for() -> None:
    """Log-probabilities are in the result where the caller wants them, and only there."""
    house = House([echo_tier("edge", reply="one two")])
    result = await house.result(ask(sampling=Sampling(logprobs=True)))
    assert [token.text for token in result.tokens] == ["one", " two"]
    assert (await house.result(ask())).tokens == ()
    assert (
        await House([echo_tier("edge", logprob=None)]).result(ask(sampling=Sampling(logprobs=True)))
    ).tokens == ()


async def test_the_journal_keeps_which_tools_were_called() -> None:
    """Their names always, ids and arguments where prompts are stored, nothing where there were no tools."""
    house = House([caller("edge", RIGHT)])
    result = await house.result(asked())
    (entry,) = house.journal.entries
    kept = Record.of(entry, time_s=0.0, store_prompts=True)
    assert kept.tool_calls == result.tool_calls
    assert Record.of(entry, time_s=0.0, store_prompts=False).tool_calls == (ToolCall("", "look_up", ""),)
    await house.result(ask())
    assert Record.of(house.journal.entries[-1], time_s=0.0, store_prompts=True).tool_calls is None
