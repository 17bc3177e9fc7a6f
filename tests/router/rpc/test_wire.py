"""What goes through the wire comes out as it went in."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from upshift.v1 import router_pb2, types_pb2

from backends.tools import Tool, Toolbox, ToolCall, ToolChoice, ToolMode
from backends.types import (
    Caller,
    GrammarFormat,
    JsonSchemaFormat,
    Message,
    Prompt,
    RegexFormat,
    Role,
    Sampling,
    TokenLogprob,
)
from router.errors import InvalidRequest
from router.events import AttemptRejected, AttemptStarted, Event, TextDelta, TierEstimate
from router.request import Constraints, Request
from router.resilience.breaker import Circuit
from router.resilience.guard import Health
from router.rpc.client.answer import Answer, decided, stream_event, tier_status
from router.rpc.client.question import Options, Question, asking, call_arguments
from router.rpc.durations import duration, seconds
from router.rpc.rules import Known
from router.rpc.seam import Call
from router.rpc.wire import (
    MAX_LOGPROB_COUNT,
    core_request,
    decision_message,
    event_message,
    result_message,
    tier_message,
)
from tests.router.rpc.scripted_router import DECIDED, REPORT, ScriptedRouter, result

KNOWN = Known(frozenset({"edge", "frontier"}), frozenset({"default"}))
CALL = Call("id-1", 5.0)
PLAIN = Request(id="id-1", prompt=Prompt((Message(Role.USER, "hi"),)), timeout_s=5.0)


def sent(question: Question, **options: object) -> Request:
    """Ask as the client does, and read as the server does."""
    given_options: Options = options  # type: ignore[assignment]
    return core_request(asking(router_pb2.StreamGenerateRequest, question, given_options), CALL, KNOWN)


def test_a_plain_question_takes_every_default() -> None:
    """What is not said is None or the default, never 0."""
    assert sent("hi") == PLAIN


def test_every_option_arrives() -> None:
    """Each argument of the client has its place in the core's request."""
    request = sent(
        [{"role": "user", "content": "a"}, Message(Role.ASSISTANT, "b"), Message(Role.USER, "c")],
        system="s", schema={"type": "object"}, temperature=0.5, top_p=0.9, max_output_tokens=7, stop=["x"],
        seed=3, min_confidence=0.0, max_cost_usd=0.25, max_attempts=2, tiers=["edge"], local_only=True,
        redact=True, policy="default", tags={"pii"}, tenant="t", allow_retraction=True, top_k=5, min_p=0.1,
        repetition_penalty=1.2, presence_penalty=0.5, frequency_penalty=-0.5, priority="high",
    )  # fmt: skip
    turns = (
        Message(Role.SYSTEM, "s"),
        Message(Role.USER, "a"),
        Message(Role.ASSISTANT, "b"),
        Message(Role.USER, "c"),
    )
    sampling = Sampling(0.5, 0.9, 7, ("x",), 3, 5, 0.1, 1.2, 0.5, -0.5)
    constraints = Constraints(0.0, 250_000, 2, frozenset({"edge"}), True, True, "default")
    prompt = Prompt(turns, sampling, JsonSchemaFormat({"type": "object"}), Caller("t", 1))
    assert request == Request("id-1", prompt, constraints, frozenset({"pii"}), "t", 5.0, True)


def test_a_regex_arrives() -> None:
    """The other formats have their places too."""
    assert sent("hi", regex="a+").prompt.response_format == RegexFormat("a+")
    assert sent("hi", grammar='root ::= "a"').prompt.response_format == GrammarFormat('root ::= "a"')


def test_tools_arrive() -> None:
    """So do tools, the choice among them, earlier calls and what came of them."""
    tools = (
        Tool("look_up", "Finds a city.", {"type": "object", "properties": {"city": {"minLength": 1}}}, True),
        Tool("now"),
    )
    conversation = (
        Message(Role.USER, "a"),
        Message(Role.ASSISTANT, "", tool_calls=(ToolCall("c1", "look_up", "{"), ToolCall("c2", "now", ""))),
        Message(Role.TOOL, "", tool_call_id="c2"),
        Message(Role.TOOL, "no city", tool_call_id="c1", is_error=True),
    )
    request = sent(conversation, tools=tools, tool_choice="now", parallel_tool_calls=False)
    assert request.prompt.messages == conversation
    assert request.prompt.tools == Toolbox(tools, ToolChoice(ToolMode.REQUIRED, "now"), False)
    for mode in ToolMode:
        assert sent("hi", tools=tools, tool_choice=mode.value).prompt.tools == Toolbox(
            tools, ToolChoice(mode)
        )
    assert sent("hi", tools=tools).prompt.tools == Toolbox(tools)


def test_a_tool_that_is_named_must_be_called() -> None:
    """Who names a tool and no mode wants that tool called."""
    message = asking(router_pb2.GenerateRequest, "hi", {"tools": [Tool("now")]})
    message.prompt.tools.choice.CopyFrom(types_pb2.ToolChoice(name="now"))
    tools = core_request(message, CALL, KNOWN).prompt.tools
    assert tools is not None
    assert tools.choice == ToolChoice(ToolMode.REQUIRED, "now")


def test_log_probabilities_are_asked_for() -> None:
    """None of the most probable tokens is a number too."""
    assert not sent("hi").prompt.sampling.logprobs
    assert sent("hi", top_logprobs=0).prompt.sampling == Sampling(logprobs=True)
    assert sent("hi", top_logprobs=3).prompt.sampling == Sampling(logprobs=True, top_logprob_count=3)


def test_log_probabilities_are_bounded() -> None:
    """A result holds the first tokens, as many as go into a message."""
    tokens = (TokenLogprob("x", -1.0, top=(("x", -1.0),) * 20),) * 4_000
    message = result_message(replace(result(PLAIN, "text"), tokens=tokens))
    assert len(message.tokens) == MAX_LOGPROB_COUNT // 21


def test_a_session_arrives() -> None:
    """It comes beside the message, and is checked with it."""
    message = asking(router_pb2.GenerateRequest, "hi", {})
    assert core_request(message, replace(CALL, session="chat-1"), KNOWN).session == "chat-1"
    assert call_arguments({"session": "chat-1"})["metadata"] == (("x-upshift-session", "chat-1"),)
    with pytest.raises(InvalidRequest, match="128"):
        core_request(message, replace(CALL, session="no spaces"), KNOWN)


def test_an_option_that_there_is_not_is_a_type_error() -> None:
    """A misspelt option is not silently ignored."""
    with pytest.raises(TypeError, match="temprature"):
        sent("hi", temprature=1.0)


def test_unary_questions_cannot_allow_retraction() -> None:
    """There is nothing to retract in an answer that comes whole."""
    with pytest.raises(AttributeError, match="allow_retraction"):
        asking(router_pb2.GenerateRequest, "hi", {"allow_retraction": True})


@pytest.mark.parametrize(
    "event",
    [
        replace(
            DECIDED, estimates=(*DECIDED.estimates, TierEstimate("frontier", 0.9, 2.0, "external", 3.0, 0.5))
        ),
        AttemptStarted(2, "edge", "cheapest"),
        TextDelta(1, "süß"),
        AttemptRejected(1, "low_confidence", 0.0),
        AttemptRejected(1, "unavailable", None),
    ],
    ids=lambda event: type(event).__name__,
)
def test_events_come_back_equal(event: Event) -> None:
    """Events survive the wire, None and 0 told apart."""
    assert stream_event(event_message(event)) == event


def test_a_result_comes_back_as_an_answer() -> None:
    """The answer has every field of the result; money is in dollars."""
    failed = replace(REPORT, confidence=None, time_to_first_token_s=None)
    given_result = replace(result(PLAIN, "text"), attempts=(REPORT, failed), confidence=None)
    answer = stream_event(event_message(given_result))
    assert isinstance(answer, Answer)
    assert answer.cost_usd == 7e-6
    for name in set(Answer.__slots__) - {"cost_usd"}:
        assert getattr(answer, name) == getattr(given_result, name), name


def test_decisions_and_tiers_come_back_equal() -> None:
    """The other two nouns survive as well."""
    assert decided(decision_message(DECIDED)) == DECIDED
    for tier in ScriptedRouter().tiers():
        assert tier_status(tier_message(tier)) == tier


def test_a_tier_that_is_left_alone_is_unavailable() -> None:
    """Clients that know no circuits see that it takes no requests; the others see until when."""
    up = replace(ScriptedRouter().tiers()[0], ready=True)
    left_alone = replace(up, health=Health(Circuit.OPEN, reopens_in_s=2.5, opened_count=1))
    seen = tier_status(tier_message(left_alone))
    assert tier_status(tier_message(up)).ready
    assert (seen.ready, seen.health) == (False, left_alone.health)


def test_an_event_from_the_future_is_none() -> None:
    """An older client skips kinds of events that it does not know."""
    assert stream_event(router_pb2.StreamGenerateResponse()) is None


@given(st.floats(0.0, 1e9))
def test_seconds_survive_to_the_nanosecond(value: float) -> None:
    """Durations are exact to a nanosecond, and to a float beyond."""
    assert seconds(duration(value)) == pytest.approx(value, abs=1e-9, rel=1e-15)
