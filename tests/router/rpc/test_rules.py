"""Every rule of a request's fields refuses what it should, by path and reason."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from upshift.v1 import router_pb2, types_pb2

from router.errors import InvalidRequest
from router.rpc.rules import Known, check_asking, check_feedback, check_page

KNOWN = Known(frozenset({"edge", "frontier"}), frozenset({"default"}), max_text_byte_count=1000)
NAN = float("nan")
SECRET = "my-secret-prompt"
Change = Callable[[router_pb2.GenerateRequest], object]


def message() -> router_pb2.GenerateRequest:
    """A request that breaks no rule."""
    asking = router_pb2.GenerateRequest()
    asking.prompt.messages.add(role=types_pb2.ROLE_USER, content=SECRET)
    return asking


def violations(asking: router_pb2.GenerateRequest) -> list[tuple[str, str]]:
    with pytest.raises(InvalidRequest) as caught:
        check_asking(asking, KNOWN)
    assert SECRET not in str(caught.value)
    return [(found.field, found.reason) for found in caught.value.violations]


def sampling(**fields: Any) -> Callable[[router_pb2.GenerateRequest], None]:
    return lambda asking: asking.prompt.sampling.MergeFrom(types_pb2.Sampling(**fields))


def constraints(**fields: Any) -> Callable[[router_pb2.GenerateRequest], None]:
    return lambda asking: asking.constraints.MergeFrom(types_pb2.Constraints(**fields))


def turn(role: int, content: str = SECRET) -> Callable[[router_pb2.GenerateRequest], None]:
    return lambda asking: asking.prompt.messages.add(role=role, content=content) and None


def turns(count: int) -> Callable[[router_pb2.GenerateRequest], None]:
    more = [types_pb2.Message(role=types_pb2.ROLE_USER, content="x")] * count
    return lambda asking: asking.prompt.messages.extend(more)


def schema(**members: Any) -> Callable[[router_pb2.GenerateRequest], None]:
    def change(asking: router_pb2.GenerateRequest) -> None:
        asking.prompt.response_format.json_schema.schema.update(members)

    return change


def regex(pattern: str) -> Callable[[router_pb2.GenerateRequest], None]:
    form = types_pb2.ResponseFormat(regex=types_pb2.RegexFormat(pattern=pattern))
    return lambda asking: asking.prompt.response_format.MergeFrom(form)


def grammar(text: str) -> Callable[[router_pb2.GenerateRequest], None]:
    form = types_pb2.ResponseFormat(grammar=types_pb2.GrammarFormat(grammar=text))
    return lambda asking: asking.prompt.response_format.MergeFrom(form)


def labels(**fields: Any) -> Callable[[router_pb2.GenerateRequest], None]:
    return lambda asking: asking.MergeFrom(router_pb2.GenerateRequest(**fields))


def deep(levels: int) -> dict[str, Any]:
    return {"not": deep(levels - 1)} if levels else {}


def doubling(keyword: str, depth: int) -> dict[str, Any]:
    chain = {str(i): {keyword: [{"$ref": f"#/$defs/{i + 1}"}] * 2} for i in range(depth)}
    return {"$defs": {**chain, str(depth): {}}, "$ref": "#/$defs/0"}


def tools(*named: str, choice: str = "", mode: Any = 0, **parameters: Any) -> Change:
    def change(asking: router_pb2.GenerateRequest) -> None:
        asking.prompt.tools.choice.CopyFrom(types_pb2.ToolChoice(name=choice, mode=mode))
        for name in named:
            tool = asking.prompt.tools.tools.add(name=name)
            if parameters:
                tool.parameters.update(parameters)

    return change


def called(*ids: str, answers: tuple[str, ...] = (), name: str = "f", **more: Any) -> Change:
    calls = [types_pb2.ToolCall(id=each, name=name, arguments="{}") for each in ids]
    asked = types_pb2.Message(role=types_pb2.ROLE_ASSISTANT, tool_calls=calls)
    said = [types_pb2.Message(role=types_pb2.ROLE_TOOL, tool_call_id=each, **more) for each in answers]
    return lambda asking: asking.prompt.messages.extend((asked, *said))


SCHEMA = "prompt.response_format.json_schema.schema"
REGEX = "prompt.response_format.regex.pattern"
SAMPLING = "prompt.sampling"
TOOL = "prompt.tools.tools[0]"

BREACHES: list[tuple[Callable[[router_pb2.GenerateRequest], object], str, str]] = [
    (lambda asking: asking.ClearField("prompt"), "prompt.messages", "PROMPT_EMPTY"),
    (turn(types_pb2.ROLE_USER, ""), "prompt.messages[1].content", "PROMPT_EMPTY"),
    (turn(types_pb2.ROLE_ASSISTANT), "prompt.messages[1].role", "LAST_MESSAGE_NOT_USER"),
    (turn(types_pb2.ROLE_UNSPECIFIED), "prompt.messages[1].role", "ROLE_INVALID"),
    (turn(17), "prompt.messages[1].role", "ROLE_INVALID"),
    (turns(256), "prompt.messages", "MESSAGES_TOO_MANY"),
    (turn(types_pb2.ROLE_USER, "é" * 500), "prompt.messages", "PROMPT_TOO_LARGE"),
    (sampling(temperature=NAN), f"{SAMPLING}.temperature", "TEMPERATURE_OUT_OF_RANGE"),
    (sampling(temperature=-0.1), f"{SAMPLING}.temperature", "TEMPERATURE_OUT_OF_RANGE"),
    (sampling(temperature=2.1), f"{SAMPLING}.temperature", "TEMPERATURE_OUT_OF_RANGE"),
    (sampling(top_k=0), f"{SAMPLING}.top_k", "TOP_K_OUT_OF_RANGE"),
    (sampling(min_p=1.1), f"{SAMPLING}.min_p", "MIN_P_OUT_OF_RANGE"),
    (sampling(repetition_penalty=0.0), f"{SAMPLING}.repetition_penalty", "REPETITION_PENALTY_OUT_OF_RANGE"),
    (sampling(presence_penalty=2.1), f"{SAMPLING}.presence_penalty", "PRESENCE_PENALTY_OUT_OF_RANGE"),
    (sampling(frequency_penalty=NAN), f"{SAMPLING}.frequency_penalty", "FREQUENCY_PENALTY_OUT_OF_RANGE"),
    (grammar(""), "prompt.response_format.grammar.grammar", "GRAMMAR_LENGTH_INVALID"),
    (grammar("é" * 8_193), "prompt.response_format.grammar.grammar", "GRAMMAR_LENGTH_INVALID"),
    (sampling(top_logprob_count=21), f"{SAMPLING}.top_logprob_count", "TOP_LOGPROB_COUNT_OUT_OF_RANGE"),
    (sampling(top_logprob_count=-1), f"{SAMPLING}.top_logprob_count", "TOP_LOGPROB_COUNT_OUT_OF_RANGE"),
    (lambda asking: asking.prompt.tools.SetInParent(), "prompt.tools.tools", "TOOLS_EMPTY"),
    (tools(*(f"f{i}" for i in range(129))), "prompt.tools.tools", "TOOLS_TOO_MANY"),
    (tools("f", "a b"), "prompt.tools.tools[1].name", "TOOL_NAME_INVALID"),
    (tools("f" * 129), "prompt.tools.tools[0].name", "TOOL_NAME_INVALID"),
    (tools("f", "g", "f"), "prompt.tools.tools[2].name", "TOOL_NAME_DUPLICATE"),
    (tools("f", mode=9), "prompt.tools.choice.mode", "TOOL_MODE_INVALID"),
    (tools("f", choice="g"), "prompt.tools.choice.name", "TOOL_UNKNOWN"),
    (tools("f", choice="f", mode=2), "prompt.tools.choice.name", "TOOL_CHOICE_CONTRADICTS"),
    (tools("f", type="string"), f"{TOOL}.parameters", "TOOL_SCHEMA_NOT_OBJECT"),
    (tools("f", type="objec"), f"{TOOL}.parameters", "SCHEMA_INVALID"),
    (tools("f", type="object", **{"$ref": "#"}), f"{TOOL}.parameters", "SCHEMA_TOO_COMPLEX"),
    (
        tools(*"abcde", type="object", description="x" * 14_000),
        "prompt.tools.tools",
        "TOOL_SCHEMAS_TOO_LARGE",
    ),
    (
        lambda asking: asking.prompt.tools.tools.add(name="f", description="x" * 16_385),
        f"{TOOL}.description",
        "TOOL_DESCRIPTION_TOO_LONG",
    ),
    (called("a"), "prompt.messages", "TOOL_CALL_UNANSWERED"),
    (called("a", "b", answers=("b",)), "prompt.messages", "TOOL_CALL_UNANSWERED"),
    (called("a", answers=("b",)), "prompt.messages[2].tool_call_id", "TOOL_CALL_UNKNOWN"),
    (called("a", answers=("a", "a")), "prompt.messages[3].tool_call_id", "TOOL_CALL_UNKNOWN"),
    (called("a", "a", answers=("a",)), "prompt.messages[1].tool_calls", "TOOL_CALL_ID_DUPLICATE"),
    (called("a b", answers=("a b",)), "prompt.messages[1].tool_calls[0].id", "TOOL_CALL_ID_INVALID"),
    (called("a", answers=("a",), name=""), "prompt.messages[1].tool_calls[0].name", "TOOL_NAME_INVALID"),
    (
        called(*map(str, range(129)), answers=("0",)),
        "prompt.messages[1].tool_calls",
        "TOOL_CALLS_TOO_MANY",
    ),
    (
        called("a", answers=("a",), images=[types_pb2.Image(data=b"x", media_type="image/png")]),
        "prompt.messages[2].images",
        "IMAGES_MISPLACED",
    ),
    (
        lambda asking: asking.prompt.messages[0].tool_calls.add(id="a", name="f"),
        "prompt.messages[0].tool_calls",
        "TOOL_CALLS_MISPLACED",
    ),
    (
        lambda asking: asking.prompt.messages.add(role=1, content="x", tool_call_id="a"),
        "prompt.messages[1].tool_call_id",
        "TOOL_CALL_ID_MISPLACED",
    ),
    (lambda asking: setattr(asking, "priority", 17), "priority", "PRIORITY_INVALID"),
    (sampling(top_p=0.0), f"{SAMPLING}.top_p", "TOP_P_OUT_OF_RANGE"),
    (sampling(top_p=1.1), f"{SAMPLING}.top_p", "TOP_P_OUT_OF_RANGE"),
    (sampling(top_p=NAN), f"{SAMPLING}.top_p", "TOP_P_OUT_OF_RANGE"),
    (
        sampling(max_output_token_count=0),
        f"{SAMPLING}.max_output_token_count",
        "MAX_OUTPUT_TOKEN_COUNT_OUT_OF_RANGE",
    ),
    (sampling(stop=["x"] * 9), f"{SAMPLING}.stop", "STOP_TOO_MANY"),
    (sampling(stop=["x", ""]), f"{SAMPLING}.stop[1]", "STOP_LENGTH_INVALID"),
    (sampling(stop=["x" * 129]), f"{SAMPLING}.stop[0]", "STOP_LENGTH_INVALID"),
    (schema(type="strin"), SCHEMA, "SCHEMA_INVALID"),
    (schema(minLength=float("inf")), SCHEMA, "SCHEMA_INVALID"),
    (schema(pattern="("), SCHEMA, "SCHEMA_INVALID"),
    (schema(**{"$schema": "https://example.com/mine"}), SCHEMA, "SCHEMA_INVALID"),
    (schema(**{"$ref": "#/$defs/nowhere"}), SCHEMA, "SCHEMA_INVALID"),
    (schema(**{"$ref": "https://example.com/schema"}), SCHEMA, "SCHEMA_REFERENCE_NOT_LOCAL"),
    (schema(**{"$ref": "#/minLength/x", "minLength": 3}), SCHEMA, "SCHEMA_INVALID"),
    (schema(**{"$ref": "#/allOf/x", "allOf": [{}]}), SCHEMA, "SCHEMA_INVALID"),
    (schema(**{"$ref": "#/const", "const": 5}), SCHEMA, "SCHEMA_INVALID"),
    (schema(**{"$schema": "http://[bad"}), SCHEMA, "SCHEMA_INVALID"),
    (schema(items={"$schema": "http://json-schema.org/draft-07/schema#"}), SCHEMA, "SCHEMA_INVALID"),
    (schema(**{"$ref": "#"}), SCHEMA, "SCHEMA_TOO_COMPLEX"),
    (schema(**doubling("allOf", 60)), SCHEMA, "SCHEMA_TOO_COMPLEX"),
    (schema(properties={"x": doubling("anyOf", 60)}), SCHEMA, "SCHEMA_INVALID"),
    (schema(properties={"x": {"pattern": "^(a|a)*$"}}), SCHEMA, "SCHEMA_TOO_COMPLEX"),
    (schema(patternProperties={"(a*)*b": {}}), SCHEMA, "SCHEMA_TOO_COMPLEX"),
    (schema(**deep(33)), SCHEMA, "SCHEMA_TOO_DEEP"),
    (schema(description="x" * 40_000), SCHEMA, "SCHEMA_TOO_LARGE"),
    (regex("("), REGEX, "REGEX_INVALID"),
    (regex("(" * 500 + ")" * 500), REGEX, "REGEX_INVALID"),
    (regex("x" * 1025), REGEX, "REGEX_TOO_LONG"),
    (regex("(a+)+"), REGEX, "REGEX_TOO_COMPLEX"),
    (regex("(a|a)*b"), REGEX, "REGEX_TOO_COMPLEX"),
    (regex("a?" * 200), REGEX, "REGEX_TOO_COMPLEX"),
    (constraints(min_confidence=NAN), "constraints.min_confidence", "MIN_CONFIDENCE_OUT_OF_RANGE"),
    (constraints(min_confidence=1.01), "constraints.min_confidence", "MIN_CONFIDENCE_OUT_OF_RANGE"),
    (
        constraints(max_cost_usd_micros=-1),
        "constraints.max_cost_usd_micros",
        "MAX_COST_USD_MICROS_OUT_OF_RANGE",
    ),
    (constraints(max_attempt_count=0), "constraints.max_attempt_count", "MAX_ATTEMPT_COUNT_OUT_OF_RANGE"),
    (constraints(allowed_tiers=["edge", "moon"]), "constraints.allowed_tiers[1]", "TIER_UNKNOWN"),
    (constraints(allowed_tiers=["edge"] * 257), "constraints.allowed_tiers", "TIERS_TOO_MANY"),
    (constraints(policy="none"), "constraints.policy", "POLICY_UNKNOWN"),
    (labels(tags=["x"] * 33), "tags", "TAGS_TOO_MANY"),
    (labels(tags=[""]), "tags[0]", "TAG_LENGTH_INVALID"),
    (labels(tags=["x" * 129]), "tags[0]", "TAG_LENGTH_INVALID"),
    (labels(tenant="x" * 129), "tenant", "TENANT_LENGTH_INVALID"),
]


def test_a_plain_request_breaks_no_rule() -> None:
    """What is allowed is not refused."""
    check_asking(message(), KNOWN)


@pytest.mark.parametrize(("change", "path", "reason"), BREACHES, ids=[f"{b[1]}-{b[2]}" for b in BREACHES])
def test_a_breach_is_reported_by_path_and_reason(
    change: Callable[[router_pb2.GenerateRequest], object], path: str, reason: str
) -> None:
    """Each breach gives exactly its own violation, beside those that it implies."""
    asking = message()
    change(asking)
    assert (path, reason) in violations(asking)


@pytest.mark.parametrize(
    "change",
    [
        sampling(temperature=0.0, top_p=1.0, max_output_token_count=1, stop=["x"] * 8, seed=-1),
        sampling(temperature=2.0, top_p=1e-9),
        constraints(min_confidence=0.0, max_cost_usd_micros=0, max_attempt_count=1),
        constraints(min_confidence=1.0, allowed_tiers=["edge", "frontier"], policy="default"),
        labels(tags=["x" * 128] * 32, tenant="x" * 128),
        schema(type="object", properties={"a": {"$ref": "#/$defs/a"}}, **{"$defs": {"a": {"minLength": 3}}}),
        schema(**{"$schema": "http://json-schema.org/draft-07/schema#"}),
        schema(properties={"left": {"$ref": "#"}, "right": {"$ref": "#"}}, additionalProperties=False),
        schema(pattern="^[a-z]+(-[a-z]+)*$", const={"pattern": "("}),
        regex("[a-z]+(?P<n>[0-9])?"),
        regex(r"(\d{4})-(\d{2})-(\d{2})|[\w.]+@[\w.]+\.\w+"),
        sampling(top_logprob_count=20),
        tools(*(f"f-{i}_" for i in range(128)), choice="f-7_"),
        tools("f" * 128, mode=3, type="object", properties={"a": {"type": "string"}}),
        called("a", "b", answers=("b", "a")),
        called("!" + "x" * 127, answers=("!" + "x" * 127,)),
        lambda asking: asking.prompt.response_format.SetInParent(),
        lambda asking: asking.prompt.response_format.json_schema.schema.SetInParent(),
    ],
)
def test_the_ends_of_a_range_are_within_it(change: Callable[[router_pb2.GenerateRequest], None]) -> None:
    """What lies on a bound is taken."""
    asking = message()
    change(asking)
    check_asking(asking, KNOWN)


def test_all_violations_are_reported_at_once() -> None:
    """A caller mends a request in one go."""
    asking = message()
    for change in (sampling(temperature=3.0, top_p=2.0), constraints(max_attempt_count=-1), regex("(")):
        change(asking)
    assert len(violations(asking)) == 4


def test_a_role_that_is_wrong_and_last_is_two_violations() -> None:
    """Neither hides the other."""
    asking = message()
    turn(types_pb2.ROLE_UNSPECIFIED)(asking)
    assert [reason for _, reason in violations(asking)] == ["LAST_MESSAGE_NOT_USER", "ROLE_INVALID"]


def test_an_unknown_name_is_answered_with_those_that_exist() -> None:
    """The description says what there is."""
    asking = message()
    constraints(allowed_tiers=["moon"])(asking)
    with pytest.raises(InvalidRequest) as caught:
        check_asking(asking, KNOWN)
    assert caught.value.violations[0].description == "no tier is called 'moon'; there are: edge, frontier"


def taken_or_refused(asking: router_pb2.GenerateRequest) -> None:
    with suppress(InvalidRequest):
        check_asking(asking, KNOWN)


@given(st.binary(max_size=200))
def test_any_message_that_parses_is_taken_or_refused(raw: bytes) -> None:
    """Nothing that protobuf lets through raises anything else."""
    with suppress(DecodeError):
        taken_or_refused(router_pb2.GenerateRequest.FromString(raw))


WORDS = ["type", "properties", "items", "$ref", "pattern", "enum", "allOf", "$schema", "required"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(WORDS), VALUES, max_size=3))
def test_any_schema_is_taken_or_refused(members: dict[str, Any]) -> None:
    """A schema's words in the wrong places are refused by a rule, not by accident."""
    asking = message()
    schema(**members)(asking)
    taken_or_refused(asking)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"request_id": ""}, "REQUEST_ID_LENGTH_INVALID"),
        ({"request_id": "x" * 129}, "REQUEST_ID_LENGTH_INVALID"),
        ({"score": NAN}, "SCORE_OUT_OF_RANGE"),
        ({"score": -0.1}, "SCORE_OUT_OF_RANGE"),
        ({"score": 1.1}, "SCORE_OUT_OF_RANGE"),
        ({"source": ""}, "SOURCE_LENGTH_INVALID"),
    ],
)
def test_feedback_has_its_rules(fields: dict[str, Any], reason: str) -> None:
    """Feedback names a request and a source, and scores within [0, 1]."""
    feedback = router_pb2.SubmitFeedbackRequest(
        **{"request_id": "a", "score": 1.0, "source": "user", **fields}
    )
    with pytest.raises(InvalidRequest) as caught:
        check_feedback(feedback)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"page_size": -1}, "PAGE_SIZE_OUT_OF_RANGE"),
        ({"page_size": 1001}, "PAGE_SIZE_OUT_OF_RANGE"),
        ({"page_token": "moon"}, "PAGE_TOKEN_INVALID"),
    ],
)
def test_a_page_has_its_rules(fields: dict[str, Any], reason: str) -> None:
    """Pages have a size within bounds and a token that came from the server."""
    with pytest.raises(InvalidRequest) as caught:
        check_page(router_pb2.ListTiersRequest(**fields), ("edge",))
    assert caught.value.reason == reason


def test_pictures_have_a_known_type() -> None:
    """A picture of no type that models take is refused before any tier is asked."""
    asking = message()
    asking.prompt.messages[-1].images.add(data=b"x", media_type="image/tiff")
    assert violations(asking) == [("prompt.messages.images", "IMAGE_INVALID")]
