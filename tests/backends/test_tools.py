"""Tools, their calls and what came of them, as each API over HTTP has them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from backends.errors import Unavailable
from backends.tools import Tool, Toolbox, ToolCall, ToolChoice, ToolMode
from backends.types import Completion, Delta, FinishReason, JsonSchemaFormat, Message, Prompt, Role
from tests import chat_server, messages_server, responses_server
from tests.backends.dialects import DIALECTS, connected, read, sends, text_of
from tests.chat_server import STREAM_HEAD

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOLS = Toolbox((Tool("look_up", "Finds a city.", SCHEMA), Tool("now")))
ASKED = Message(Role.USER, "Bern?")
PROMPT = Prompt((ASKED,), tools=TOOLS)
CALLS = (ToolCall("c1", "look_up", '{"city": "Bern"}'), ToolCall("c2", "now", "{}"))
LOOP = Prompt(
    (
        Message(Role.SYSTEM, "be brief"),
        ASKED,
        Message(Role.ASSISTANT, "I look.", tool_calls=CALLS),
        Message(Role.TOOL, "sunny", tool_call_id="c1"),
        Message(Role.TOOL, "", tool_call_id="c2", is_error=True),
    ),
    tools=TOOLS,
)


def chat(*calls: dict[str, Any], finish: str = "tool_calls") -> bytes:
    """Pieces of calls, a chunk each, in the words of chat completions."""
    chunks = [{"choices": [{"delta": {"tool_calls": [call]}}]} for call in calls]
    return b"".join(f"data: {json.dumps(c)}\n\n".encode() for c in chunks) + chat_server.event(finish=finish)


def messages(*blocks: tuple[dict[str, Any], list[str]], stop: str = "tool_use") -> bytes:
    """Blocks with the pieces of their input, or of their text."""
    sent = messages_server.start()
    for index, (block, pieces) in enumerate(blocks):
        kind = ("input_json_delta", "partial_json") if block["type"] == "tool_use" else ("text_delta", "text")
        sent += messages_server.event("content_block_start", index=index, content_block=block)
        for piece in pieces:
            delta = {"type": kind[0], kind[1]: piece}
            sent += messages_server.event("content_block_delta", index=index, delta=delta)
        sent += messages_server.event("content_block_stop", index=index)
    return sent + messages_server.end(stop)


def use(name: str, *pieces: str, call_id: str = "c1") -> tuple[dict[str, Any], list[str]]:
    """A block that uses a tool."""
    return {"type": "tool_use", "id": call_id, "name": name, "input": {}}, list(pieces)


def responses() -> bytes:
    """Two calls whose arguments come side by side."""
    event = responses_server.event
    begun = [{"type": "function_call", "call_id": call.id, "name": call.name} for call in CALLS]
    items = [
        event("response.output_item.added", output_index=i + 1, item=item) for i, item in enumerate(begun)
    ]
    kind = "response.function_call_arguments"
    pieces = [(1, '{"city"'), (2, "{}"), (1, ': "Bern"}')]
    deltas = [event(f"{kind}.delta", output_index=index, delta=piece) for index, piece in pieces]
    whole = [event(f"{kind}.done", output_index=i + 1, arguments=c.arguments) for i, c in enumerate(CALLS)]
    return b"".join([*items, *deltas, *whole, responses_server.end()])


STREAMS: dict[str, bytes] = {
    "openai_chat": chat(
        {"index": 0, "id": "c1", "type": "function", "function": {"name": "look_up", "arguments": ""}},
        {"index": 0, "function": {"arguments": '{"city"'}},
        {"index": 1, "id": "c2", "function": {"name": "now", "arguments": "{}"}},
        {"index": 0, "function": {"arguments": ': "Bern"}'}},
    ),
    "anthropic_messages": messages(
        use("look_up", '{"city"', ': "Bern"}'), use("now", call_id="c2"), stop="tool_use"
    ),
    "openai_responses": responses(),
}


def calls_of(items: list[Delta | Completion]) -> tuple[ToolCall, ...]:
    return tuple(call for item in items if isinstance(item, Delta) for call in item.tool_calls)


async def sent(name: str, prompt: Prompt, **options: Any) -> dict[str, Any]:
    """The body of the request."""
    bodies: list[dict[str, Any]] = []

    async def script(body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        bodies.append(body)
        writer.write(STREAM_HEAD + DIALECTS[name].answer("ok"))

    async with connected(name, script, **options) as backend:
        await read(backend, prompt)
    return bodies[0]


@pytest.mark.parametrize("name", STREAMS)
async def test_calls_come_whole(name: str) -> None:
    """Calls cut into pieces come complete, once, and are why the answer ends."""
    async with connected(name, sends(STREAMS[name])) as backend:
        assert backend.capabilities.tools
        items = await read(backend, PROMPT)
    assert calls_of(items) == CALLS
    assert isinstance(items[-1], Completion)
    assert items[-1].finish_reason is FinishReason.TOOL_CALLS


@pytest.mark.parametrize("name", STREAMS)
async def test_a_model_is_heard_before_its_calls_are_whole(name: str) -> None:
    """The first piece of a call tells that it answers."""
    begun, found, rest = STREAMS[name].partition(b"look_up")
    line, end, rest = rest.partition(b"\n\n")
    is_heard = asyncio.Event()

    async def script(_: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM_HEAD + begun + found + line + end)
        await writer.drain()
        await is_heard.wait()
        writer.write(rest)

    items: list[Delta | Completion] = []
    async with connected(name, script) as backend:
        async for item in backend.stream(PROMPT, timeout_s=30.0):
            items.append(item)
            is_heard.set()
    assert items[0] == Delta()
    assert calls_of(items) == CALLS


@pytest.mark.parametrize("name", STREAMS)
async def test_calls_that_nobody_asked_for_are_skipped(name: str) -> None:
    """Who gave no tools cannot answer calls."""
    async with connected(name, sends(STREAMS[name])) as backend:
        items = await read(backend, Prompt((ASKED,)))
    assert not calls_of(items)
    assert isinstance(items[-1], Completion)
    assert items[-1].finish_reason is FinishReason.STOP


@pytest.mark.parametrize("name", STREAMS)
async def test_a_tier_can_be_said_to_have_no_tools(name: str) -> None:
    """Not every model behind these APIs can call."""
    async with connected(name, sends(b""), tools=False) as backend:
        assert not backend.capabilities.tools


@pytest.mark.parametrize("name", STREAMS)
async def test_tools_count_as_input(name: str) -> None:
    """Definitions, calls and results are read, and so have their place in the context and the bill."""
    async with connected(name, sends(b"")) as backend:
        counts = [backend.count_tokens(prompt) for prompt in (Prompt((ASKED,)), PROMPT, LOOP)]
    assert counts[0] + 20 < counts[1] < counts[2]


async def test_a_cut_call_is_cut() -> None:
    """Where the limit ends the answer amid a call, the call is as it was written, and the limit is why."""
    piece = {"index": 0, "id": "c1", "function": {"name": "look_up", "arguments": '{"ci'}}
    async with connected("openai_chat", sends(chat(piece, finish="length"))) as backend:
        items = await read(backend, PROMPT)
    assert calls_of(items) == (ToolCall("c1", "look_up", '{"ci'),)
    assert isinstance(items[-1], Completion)
    assert items[-1].finish_reason is FinishReason.LENGTH


async def test_a_forced_call_that_ends_with_stop_is_a_call() -> None:
    """Servers that were told which tool to call say that they stopped."""
    piece = {"id": "c1", "function": {"name": "now", "arguments": "{}"}}
    async with connected("openai_chat", sends(chat(piece, finish="stop"))) as backend:
        items = await read(backend, PROMPT)
    assert isinstance(items[-1], Completion)
    assert items[-1].finish_reason is FinishReason.TOOL_CALLS


@pytest.mark.parametrize(
    "call", [{"index": -1}, {"index": 0, "function": {"arguments": {}}}, {"function": {"name": "no name"}}]
)
async def test_a_malformed_call_is_no_answer(call: dict[str, Any]) -> None:
    """What cannot be a call is refused as the nonsense that it is."""
    async with connected("openai_chat", sends(chat(call))) as backend:
        with pytest.raises(Unavailable):
            await read(backend, PROMPT)


async def test_chat_completions_are_given_tools_and_results() -> None:
    """Each turn, call and result has its place; the choice is left out where the model chooses."""
    body = await sent("openai_chat", LOOP)
    function = {"name": "look_up", "description": "Finds a city.", "parameters": SCHEMA}
    assert body["tools"][0] == {"type": "function", "function": function}
    assert body["tools"][1] == {"type": "function", "function": {"name": "now"}}
    assert "tool_choice" not in body
    assert body["messages"][2]["content"] == "I look."
    assert [call["id"] for call in body["messages"][2]["tool_calls"]] == ["c1", "c2"]
    assert body["messages"][3] == {"role": "tool", "content": "sunny", "tool_call_id": "c1"}


async def test_responses_are_given_tools_and_results() -> None:
    """Calls and results are items of their own."""
    body = await sent("openai_responses", LOOP)
    assert body["tools"][1]["parameters"] == {"type": "object", "properties": {}}
    assert (body["tools"][0]["strict"], body["tool_choice"]) == (False, "auto")
    assert [item.get("type", item.get("role")) for item in body["input"]] == [
        "system", "user", "assistant", "function_call", "function_call", "function_call_output",
        "function_call_output",
    ]  # fmt: skip


async def test_messages_are_given_tools_and_results() -> None:
    """What came of one turn's calls stands together, and a failure says so."""
    body = await sent("anthropic_messages", LOOP)
    assert body["tools"][1] == {"name": "now", "input_schema": {"type": "object"}}
    assert body["tool_choice"] == {"type": "auto"}
    assert [block["type"] for block in body["messages"][1]["content"]] == ["text", "tool_use", "tool_use"]
    assert body["messages"][1]["content"][1]["input"] == {"city": "Bern"}
    assert body["messages"][2] == {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": "c1", "content": "sunny"},
            {"type": "tool_result", "tool_use_id": "c2", "is_error": True},
        ],
    }


async def test_messages_know_tools_that_were_called_earlier() -> None:
    """The API wants them declared, though they cannot be called any more; ids and arguments fit its rules."""
    called = Message(Role.ASSISTANT, "", tool_calls=(ToolCall("a:1", "now", "oops"),))
    prompt = Prompt((ASKED, called, Message(Role.TOOL, "noon", tool_call_id="a:1")))
    body = await sent("anthropic_messages", prompt, thinking_token_count=1024, max_output_token_count=4096)
    assert body["tools"] == [{"name": "now", "input_schema": {"type": "object"}}]
    assert body["tool_choice"] == {"type": "none"}
    block = body["messages"][1]["content"][0]
    assert block["input"] == {"malformed": "oops"}
    assert block["id"].startswith("call_")
    assert body["messages"][2]["content"][0]["tool_use_id"] == block["id"]
    # What it thought before the call, which the API would want to see, nobody kept.
    assert "thinking" not in body


CHOICES: list[tuple[ToolChoice, bool | None, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    (ToolChoice(ToolMode.NONE), None, {"tool_choice": "none"}, {"tool_choice": "none"}, {"type": "none"}),
    (
        ToolChoice(ToolMode.REQUIRED),
        False,
        {"tool_choice": "required", "parallel_tool_calls": False},
        {"tool_choice": "required", "parallel_tool_calls": False},
        {"type": "any", "disable_parallel_tool_use": True},
    ),
    (
        ToolChoice(ToolMode.REQUIRED, "now"),
        True,
        {"tool_choice": {"type": "function", "function": {"name": "now"}}, "parallel_tool_calls": True},
        {"tool_choice": {"type": "function", "name": "now"}, "parallel_tool_calls": True},
        {"type": "tool", "name": "now"},
    ),
]


@pytest.mark.parametrize(("choice", "parallel", "in_chat", "in_responses", "in_messages"), CHOICES)
async def test_the_choice_is_passed_on(
    choice: ToolChoice,
    parallel: bool | None,
    in_chat: dict[str, Any],
    in_responses: dict[str, Any],
    in_messages: dict[str, Any],
) -> None:
    """Whether, which and how many tools are called, in each API's words."""
    prompt = replace(PROMPT, tools=Toolbox(TOOLS.tools, choice, parallel))
    for name, said in (("openai_chat", in_chat), ("openai_responses", in_responses)):
        body = await sent(name, prompt)
        assert {key: body[key] for key in ("tool_choice", "parallel_tool_calls") if key in body} == said
    assert (await sent("anthropic_messages", prompt))["tool_choice"] == in_messages


FORM = JsonSchemaFormat({"type": "object", "properties": {"n": {"type": "integer"}}})


async def test_a_schema_beside_tools_is_one_more_tool() -> None:
    """The model has to use one: the answer's, or another; its name is nobody else's."""
    tools = Toolbox((*TOOLS.tools, Tool("answer")))
    body = await sent("anthropic_messages", replace(PROMPT, response_format=FORM, tools=tools))
    assert [tool["name"] for tool in body["tools"]] == ["look_up", "now", "answer", "answer_"]
    assert body["tool_choice"] == {"type": "any"}
    none = replace(tools, choice=ToolChoice(ToolMode.NONE))
    body = await sent("anthropic_messages", replace(PROMPT, response_format=FORM, tools=none))
    assert body["tool_choice"] == {"type": "tool", "name": "answer_"}


async def test_a_schema_gives_way_to_a_call_that_must_be() -> None:
    """Where a tool must be called, there is no answer to give a form to."""
    tools = replace(TOOLS, choice=ToolChoice(ToolMode.REQUIRED))
    body = await sent("anthropic_messages", replace(PROMPT, response_format=FORM, tools=tools))
    assert [tool["name"] for tool in body["tools"]] == ["look_up", "now"]
    assert "output_config" not in body


ASIDE = ({"type": "text", "text": ""}, ["I think."])
MIXED: dict[str, tuple[bytes, str, tuple[ToolCall, ...]]] = {
    "answer": (messages(ASIDE, use("answer", '{"n"', ": 1}")), '{"n": 1}', ()),
    "call": (messages(ASIDE, use("now", "{}", call_id="c2")), "I think.", CALLS[1:]),
    "both": (messages(use("answer", '{"n": 1}'), use("now", "{}", call_id="c2")), "", CALLS[1:]),
}


@pytest.mark.parametrize("kind", MIXED)
async def test_an_answer_is_told_from_a_call(kind: str) -> None:
    """The answer's tool gives the text, others are calls, and beside those there is no answer yet."""
    stream, text, calls = MIXED[kind]
    async with connected("anthropic_messages", sends(stream)) as backend:
        items = await read(backend, replace(PROMPT, response_format=FORM))
    assert (text_of(items), calls_of(items)) == (text, calls)
    assert isinstance(items[-1], Completion)
    assert items[-1].finish_reason is (FinishReason.TOOL_CALLS if calls else FinishReason.STOP)


def test_every_dialect_is_here() -> None:
    """A new API is to show its calls too."""
    shown: dict[str, Callable[..., Any] | bytes] = {**STREAMS}
    assert shown.keys() == DIALECTS.keys()
