"""Stand-ins on the way out and values on the way back, over a real server outside."""

from __future__ import annotations

import json
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backends.echo import EchoBackend, EchoOptions
from backends.errors import Refused
from backends.tools import Tool, Toolbox, ToolCall
from backends.types import (
    Clearance,
    Completion,
    Delta,
    FinishReason,
    Image,
    JsonSchemaFormat,
    Message,
    Prompt,
    RegexFormat,
    Role,
    Sampling,
    Usage,
)
from router.errors import RequestRefused
from router.events import Result, TextDelta
from router.journal import read_journal
from router.privacy.border import Border
from tests.router.privacy.outside import ask, configured, opened, outside, request

ADDRESS, OTHER = "ada@example.org", "grace@example.com"
ASKED = f"Write to {ADDRESS}, copy {OTHER}, sign as {ADDRESS}."
PASSPORT = Image(b"a passport", "image/png")
REDACTING = {"constraints": {"redact": True}}
EVERYWHERE = {"privacy": {"redact_external": True}}
WAYS: dict[str, dict[str, Any]] = {
    "escalation": {},
    "fallback": {"edge": {"fail": "unavailable"}},
    "a draft": {
        "policies": [
            {
                "name": "default",
                "ladder": ["edge", "frontier"],
                "objective": {"rule": "cascade_routing", "value_of_correct_usd": 1.0, "reuse_draft": True},
            }
        ],
        "edge": {"reply": f"Perhaps {OTHER}? The answer is 5."},
    },
    "a judge": {
        "confidence": {
            "uncalibrated": "token_probability",
            "probes": [{"probe": "judge", "tier": "frontier", "run": "always"}],
        }
    },
}


@pytest.mark.parametrize("way", WAYS)
async def test_nobody_outside_sees_a_value(way: str) -> None:
    """The prompt, a draft and what a judge reads go out with stand-ins, the same for the same value."""
    async with outside() as world, opened(configured(world, **WAYS[way])) as router:
        await ask(router, request(ASKED, **REDACTING))
    assert world.asked
    assert ADDRESS not in world.seen
    assert OTHER not in world.seen
    assert "Write to <EMAIL_1>, copy <EMAIL_2>, sign as <EMAIL_1>." in world.seen


async def test_the_answer_gets_the_values_back() -> None:
    """Also where stand-ins fall into several pieces of the stream, and without holding up the rest."""
    said = "Dear <EMAIL_2>, greet <EMAIL_1> <soon>."
    async with outside(said) as world, opened(configured(world, **EVERYWHERE)) as router:
        asked = replace(request(ASKED), allow_retraction=True)
        world.may_go_on.clear()
        told = []
        async with aclosing(router.run(asked)) as events:
            async for event in events:
                told.append(event)
                if isinstance(event, TextDelta) and event.number == 2:
                    world.may_go_on.set()
    result = told[-1]
    assert isinstance(result, Result)
    assert (result.tier, result.text) == ("frontier", f"Dear {OTHER}, greet {ADDRESS} <soon>.")
    texts = [event.text for event in told if isinstance(event, TextDelta) and event.number == 2]
    assert "".join(texts) == result.text
    assert texts[0] == "Dea"


@pytest.mark.parametrize("sections", [{}, {"policies": None}, {"privacy": {"redact": ["phone"]}} | REDACTING])
async def test_without_the_choice_values_go_out(sections: dict[str, Any]) -> None:
    """Redaction is a choice: of the policy, of the request, or of the house, and by kind."""
    wish = sections.pop("constraints", {})
    sections = {name: value for name, value in sections.items() if value is not None}
    async with outside() as world, opened(configured(world, **sections)) as router:
        await ask(router, request(ASKED, constraints=wish))
    assert ADDRESS in world.seen


async def test_tiers_on_this_machine_see_values() -> None:
    """Only what leaves is disguised."""
    heard: dict[str, Any] = {"reply": None, "replies": {}, "logprob": -0.01}
    async with outside() as world, opened(configured(world, edge=heard, **EVERYWHERE)) as router:
        result = await ask(router, request(ASKED))
    assert isinstance(result, Result)
    assert (result.tier, result.text) == ("edge", ASKED)


async def test_a_form_that_holds_a_value_keeps_the_request_here() -> None:
    """A server that enforces the form would have to know the value."""
    async with outside() as world, opened(configured(world, edge={"fail": "unavailable"})) as router:
        asked = request(ASKED, **REDACTING)
        form = JsonSchemaFormat({"enum": [ADDRESS]})
        ended = await ask(router, replace(asked, prompt=replace(asked.prompt, response_format=form)))
    assert not isinstance(ended, Result)
    assert world.asked == []


async def test_a_refusal_is_a_typed_error() -> None:
    """Where the only tier is outside, the request ends as refused."""
    sections = {
        "policies": [
            {"name": "d", "ladder": ["frontier"], "objective": {"rule": "fixed", "tier": "frontier"}}
        ]
    }
    async with outside() as world, opened(configured(world, **sections)) as router:
        asked = request("hi", **REDACTING)
        form = RegexFormat("(ada@example.org)")
        ended = await ask(router, replace(asked, prompt=replace(asked.prompt, response_format=form)))
    assert isinstance(ended, RequestRefused)


@pytest.mark.parametrize(("pictures", "leaves"), [((), True), ((PASSPORT,), False)])
def test_what_nobody_looks_into_stays(pictures: tuple[Image, ...], leaves: bool) -> None:
    """Only text is looked through, so a message that has more than text is refused."""
    prompt = Prompt((Message(Role.USER, ASKED, pictures),))
    border, prompt = through("hello", prompt)
    if leaves:
        border.stream(prompt)
    else:
        with pytest.raises(Refused, match="more than text"):
            border.stream(prompt)


def _bytes_below(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


async def test_the_journal_never_sees_the_mapping(tmp_path: Path) -> None:
    """It has the caller's own words, where it is told to keep them, and no stand-in."""
    path = tmp_path / "j.sqlite"
    journal = {"path": str(path), "store_prompts": True}
    async with outside() as world, opened(configured(world, journal=journal, **EVERYWHERE)) as router:
        await ask(router, request(ASKED))
    kept = _bytes_below(tmp_path)
    assert ADDRESS.encode() in kept
    assert b"EMAIL_1" not in kept


async def test_the_journal_can_keep_stand_ins_instead(tmp_path: Path) -> None:
    """For good: the values are nowhere, and equal ones are told to be equal."""
    journal = {"path": str(tmp_path / "j.sqlite"), "store_prompts": True, "redact": True}
    edge = {"reply": f"I wrote to {OTHER}.", "logprob": -0.01}
    async with outside() as world, opened(configured(world, journal=journal, edge=edge)) as router:
        await ask(router, request(ASKED))
    (record,) = read_journal(tmp_path / "j.sqlite")
    assert record.messages is not None
    assert record.messages[0].content == "Write to <EMAIL_1>, copy <EMAIL_2>, sign as <EMAIL_1>."
    assert record.answer == "I wrote to <EMAIL_2>."
    assert ADDRESS.encode() not in _bytes_below(tmp_path)


def through(reply: str, prompt: Prompt, **options: Any) -> tuple[Border, Prompt]:
    """An external echo that says ``reply``, and ``prompt`` as it must be disguised before."""
    echo = EchoBackend(EchoOptions.model_validate({"reply": reply, "external": True, **options}))
    return Border(echo), replace(prompt, clearance=Clearance(True, ("email",)))


async def told(border: Border, prompt: Prompt) -> tuple[list[Delta], Completion]:
    """What came, and its end."""
    *deltas, end = [item async for item in border.stream(prompt)]
    assert isinstance(end, Completion)
    return [delta for delta in deltas if isinstance(delta, Delta)], end


PROMPT = Prompt((Message(Role.SYSTEM, f"You serve {OTHER}."), Message(Role.USER, ASKED)))


async def test_tokens_and_text_are_told_alike() -> None:
    """Token texts join to the text, so that what is measured on both agrees."""
    deltas, _ = await told(*through("To <EMAIL_2> from <EMAIL_1>, now.", PROMPT))
    text = "".join(delta.text for delta in deltas)
    assert text == f"To {ADDRESS} from {OTHER}, now."
    assert "".join(token.text for delta in deltas for token in delta.tokens) == text


async def test_json_stays_json() -> None:
    """A value comes to stand within a string of the answer."""
    prompt = replace(PROMPT, response_format=JsonSchemaFormat({"type": "object"}))
    deltas, _ = await told(*through('{"to": "<EMAIL_2>"}', prompt))
    assert json.loads("".join(delta.text for delta in deltas)) == {"to": ADDRESS}


@pytest.mark.parametrize("stop", ["@", "_", "<", "1>", "EMAIL", "<EMAIL_2>"])
async def test_stop_strings_hold_for_the_answer_as_it_is_told(stop: str) -> None:
    """One that would cut a stand-in is looked for in the answer with its values, as the caller means it."""
    prompt = replace(PROMPT, sampling=Sampling(stop=(stop,)))
    deltas, end = await told(*through("To <EMAIL_2> and more.", prompt))
    whole = f"To {ADDRESS} and more."
    assert "".join(delta.text for delta in deltas) == whole.partition(stop)[0]
    assert end.finish_reason is FinishReason.STOP


async def test_a_prompt_without_values_passes_as_it_is() -> None:
    """Nothing is found, so nothing is done to the stream."""
    plain = Prompt((Message(Role.USER, "hello"),))
    deltas, _ = await told(*through("a <EMAIL_1> b", plain))
    assert "".join(delta.text for delta in deltas) == "a <EMAIL_1> b"


SAID = f'{{"to": "{ADDRESS}"}}'
LOOP = (
    Message(Role.USER, f"Write to {ADDRESS}."),
    Message(Role.ASSISTANT, "", tool_calls=(ToolCall("c1", "send", SAID),)),
    Message(Role.TOOL, f"{OTHER} is away", tool_call_id="c1", is_error=True),
)


class Calling(EchoBackend):
    """A backend outside that keeps what it was asked, and writes to the first stand-in."""

    def __init__(self) -> None:
        super().__init__(EchoOptions(external=True, tools=True))
        self.asked: list[Prompt] = []

    async def _answer(self, prompt: Prompt, *_: Any) -> Any:
        self.asked.append(prompt)
        yield Delta(tool_calls=(ToolCall("c2", "send", '{"to": "<EMAIL_1>"}'),))
        yield Completion(FinishReason.TOOL_CALLS, Usage(1, 1))


async def test_calls_are_disguised_both_ways() -> None:
    """Arguments of earlier calls and what came of them go out with stand-ins; new calls get the values."""
    model = Calling()
    tools = Toolbox((Tool("send"),))
    prompt = Prompt(LOOP, clearance=Clearance(may_leave=True, redact=("email",)), tools=tools)
    items = [item async for item in Border(model).stream(prompt)]
    assert isinstance(items[0], Delta)
    assert [call.arguments for call in items[0].tool_calls] == [SAID]
    assert ADDRESS not in repr(model.asked)
    assert OTHER not in repr(model.asked)
    assert model.asked[0].messages[1].tool_calls == (ToolCall("c1", "send", '{"to": "<EMAIL_1>"}'),)
    assert model.asked[0].messages[2].is_error


async def test_tools_that_hold_a_value_keep_the_request_here() -> None:
    """A definition is no text that stand-ins could be put into and taken out of again."""
    tools = Toolbox((Tool("send", f"Writes to {ADDRESS}."),))
    prompt = Prompt(LOOP[:1], clearance=Clearance(may_leave=True, redact=("email",)), tools=tools)
    with pytest.raises(Refused, match="tools"):
        Border(Calling()).stream(prompt)
