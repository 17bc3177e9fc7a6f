"""Nodes that fail or lie, what we ask of them in any case, and that a key never shows."""

from __future__ import annotations

import logging
import traceback
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from upshift.v1 import router_pb2, types_pb2

from backends.errors import Overloaded, Refused, Unavailable
from backends.types import (
    Message,
    Prompt,
    Role,
)
from backends.upshift_node_answer import NodeAnswer
from backends.upshift_node_options import UpshiftNodeOptions
from backends.upshift_node_wire import request_message
from router.rpc.rules import Known, check_asking
from tests.backends.dialects import read, text_of
from tests.backends.nodes import Answers, event, lying

SECRET = "key-verysecret-0123456789"


async def ends_without_a_result(_: Any, __: Any) -> AsyncGenerator[Any]:
    """Stop in the middle."""
    yield event(text_delta=router_pb2.TextDelta(attempt_number=1, text="half"))


async def bills_beyond_belief(_: Any, __: Any) -> AsyncGenerator[Any]:
    """Ask for a fortune."""
    yield event(result=types_pb2.Result(text="x", cost_usd_micros=10**15))


async def pays_us(_: Any, __: Any) -> AsyncGenerator[Any]:
    """Give a negative cost."""
    yield event(result=types_pb2.Result(text="x", cost_usd_micros=-1))


async def floods(_: Any, __: Any) -> AsyncGenerator[Any]:
    """Never end."""
    while True:
        yield event(text_delta=router_pb2.TextDelta(attempt_number=1, text="x" * 100_000))


async def sends_too_much_at_once(_: Any, __: Any) -> AsyncGenerator[Any]:
    """Fill the memory."""
    yield event(result=types_pb2.Result(text="x" * (17 << 20)))


@pytest.mark.parametrize(
    "answers", [ends_without_a_result, bills_beyond_belief, pays_us, floods, sends_too_much_at_once]
)
async def test_a_lying_node_is_typed(answers: Answers) -> None:
    """Whatever a node does, the stream ends in an answer that can be or in an error."""
    async with lying(answers) as (backend, _):
        with pytest.raises((Unavailable, Overloaded)):
            await read(backend, timeout_s=None)


async def answers_well(_: Any, __: Any) -> AsyncGenerator[Any]:
    """Give an answer."""
    yield event(result=types_pb2.Result(text="yes"))


async def test_a_key_shows_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    """It goes to the node and to nobody else: no log, no repr, no error."""
    caplog.set_level(logging.DEBUG)

    async def refuses(_: Any, context: Any) -> AsyncGenerator[Any]:
        await context.abort(grpc.StatusCode.UNAUTHENTICATED, f"{SECRET} is not known")
        yield

    async with lying(refuses, api_key=SECRET) as (backend, liar):
        with pytest.raises(Refused) as caught:
            await read(backend)
    assert liar.metadata["authorization"] == f"Bearer {SECRET}"
    shown = "".join(traceback.format_exception(caught.value)) + repr((backend.options, vars(backend)))
    assert SECRET not in shown + caplog.text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"api_key": SECRET}, "in clear; set tls"),
        ({"api_key": SECRET, "api_key_file": "f", "tls": True}, "both api_key and api_key_file"),
        ({"ca_file": "f"}, "no tls"),
        ({"tls": True, "certificate_file": "f"}, "both or neither"),
    ],
)
def test_careless_options_are_refused(options: dict[str, Any], said: str) -> None:
    """A key does not cross a network in clear, and half a configuration is none."""
    with pytest.raises(ValidationError, match=said) as caught:
        UpshiftNodeOptions.model_validate({"target": "node.example.com:443", **options})
    assert SECRET not in str(caught.value)


async def test_speaks_mutual_tls(certificate: tuple[Path, Path]) -> None:
    """Both sides show a certificate, and a client without one gets nowhere."""
    file, key = certificate
    pair = [(key.read_bytes(), file.read_bytes())]
    credentials = grpc.ssl_server_credentials(pair, file.read_bytes(), require_client_auth=True)
    trusted = {"tls": True, "ca_file": str(file)}
    ours = {"certificate_file": str(file), "certificate_key_file": str(key)}
    async with lying(answers_well, credentials=credentials, **trusted, **ours) as (backend, _):
        assert text_of(await read(backend)) == "yes"
    async with lying(answers_well, credentials=credentials, **trusted) as (backend, _):
        with pytest.raises(Unavailable):
            await read(backend)


NUMBERS = st.integers(0, 2)
TEXTS = st.text(max_size=3)
EVENTS = st.one_of(
    st.builds(lambda n, t: event(text_delta=router_pb2.TextDelta(attempt_number=n, text=t)), NUMBERS, TEXTS),
    st.builds(lambda n: event(attempt_rejected=router_pb2.AttemptRejected(attempt_number=n)), NUMBERS),
    st.builds(
        lambda t, c: event(result=types_pb2.Result(text=t, cost_usd_micros=c)),
        TEXTS,
        st.integers(-(2**63), 2**63 - 1),
    ),
    st.just(event()),
)


@given(st.lists(EVENTS, max_size=8))
def test_any_events_make_one_text_or_an_error(events: list[router_pb2.StreamGenerateResponse]) -> None:
    """What was passed on is always the final text, or the answer is refused."""
    answer, said = NodeAnswer(estimated_input_token_count=1, output_limit=4), ""
    try:
        for each in events:
            said += answer.add(each).text
            if answer.completion is not None:
                assert said == each.result.text
                assert 0 <= (answer.completion.cost_usd_micros or 0) <= 10**9
                break
    except Unavailable:
        assert answer.completion is None


@given(st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=4), st.integers(1, 100))
def test_what_we_ask_a_node_takes(contents: list[str], limit: int) -> None:
    """Every prompt that came in by our own rules goes out by them."""
    turns = tuple(Message(Role.USER, content) for content in contents)
    message = request_message(Prompt(turns), output_limit=limit, policy="default")
    check_asking(message, Known(frozenset(), frozenset({"default"})))
