"""Another node as a tier: what travels along, what comes back, and what happens when it fails."""

from __future__ import annotations

import asyncio
import logging
import socket
import subprocess
import traceback
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from upshift.v1 import router_pb2, router_pb2_grpc, types_pb2

from backends.errors import BackendError, ContextTooLong, Overloaded, Refused, TimedOut, Unavailable
from backends.types import (
    Caller,
    Completion,
    Delta,
    GrammarFormat,
    JsonSchemaFormat,
    Message,
    Prompt,
    RegexFormat,
    Role,
    Sampling,
    Terms,
    Usage,
)
from backends.upshift_node import UpshiftNodeBackend
from backends.upshift_node_answer import NodeAnswer
from backends.upshift_node_options import UpshiftNodeOptions
from backends.upshift_node_wire import request_message
from router import errors
from router.build import build
from router.config import ServerConfig, parse
from router.events import Event, TextDelta
from router.request import Constraints, Request
from router.rpc.client import AsyncClient, UpshiftError
from router.rpc.rules import Known, check_asking
from router.rpc.server import RouterServer
from tests import upshift_server
from tests.backends.leaks import nothing_left
from tests.router.rpc.scripted_router import (
    DECIDED,
    STARTED,
    Script,
    ScriptedRouter,
    echo,
    escalate,
    failing,
    result,
    stall,
)

PROMPT = Prompt((Message(Role.USER, "a secret prompt"),))
CIRCLE = """
version: 1
server: {{listen: "{address}"}}
tiers:
  - {{name: me, backend: upshift_node, options: {{target: "{address}", start_check: false}}}}
policies:
  - {{name: default, ladder: [me], objective: {{rule: fixed, tier: me}}}}
"""
SECRET = "key-verysecret-0123456789"


@asynccontextmanager
async def node(
    script: Script = echo, **options: Any
) -> AsyncIterator[tuple[UpshiftNodeBackend, ScriptedRouter]]:
    """A started backend in front of a real server that plays ``script``."""
    router = ScriptedRouter(script)
    settings = ServerConfig.model_validate({"listen": "127.0.0.1:0"})
    async with RouterServer(settings, router) as server:
        target = await server.start()
        backend = UpshiftNodeBackend(UpshiftNodeOptions.model_validate({"target": target, **options}))
        await backend.start()
        try:
            yield backend, router
        finally:
            await backend.close()


async def read(
    backend: UpshiftNodeBackend, prompt: Prompt = PROMPT, timeout_s: float | None = 5.0
) -> list[Delta | Completion]:
    """All that comes."""
    return [item async for item in backend.stream(prompt, timeout_s=timeout_s)]


def text_of(items: list[Delta | Completion]) -> str:
    """The answer, which a Completion must end."""
    assert isinstance(items[-1], Completion)
    return "".join(item.text for item in items if isinstance(item, Delta))


async def test_all_that_binds_a_request_travels_along() -> None:
    """Constraints, budget, tags, tenant, priority, trace and deadline reach the next node."""
    terms = Terms(0.7, 5_000, 2, True, ("pii",), "r1", "00-ab-cd-01", 1)
    prompt = replace(PROMPT, caller=Caller("acme", 1), terms=terms)
    async with node() as (backend, router):
        await read(backend, prompt, timeout_s=5.0)
    request = router.requests[0]
    assert request.constraints == Constraints(0.7, 5_000, 2, local_only=True)
    assert (request.tags, request.tenant) == (frozenset({"pii"}), "acme")
    assert request.prompt.caller == Caller("acme", 1)
    assert (request.traceparent, request.hop_count) == ("00-ab-cd-01", 2)
    assert request.id.startswith("r1-")
    assert request.timeout_s is not None
    # gRPC rounds what it sends up, by 1 % at most.
    assert 4.0 < request.timeout_s <= 5.05


@pytest.mark.parametrize(
    "form",
    [JsonSchemaFormat({"type": "object"}), RegexFormat("a+"), GrammarFormat('root ::= "a"'), None],
    ids=["schema", "regex", "grammar", "free"],
)
async def test_prompt_and_form_arrive_as_they_were(form: Any) -> None:
    """Nothing of the conversation, the sampling and the form is lost on the way."""
    sampling = Sampling(0.5, 0.9, 7, ("a", "b"), -3, 5, 0.1, 1.5, 0.25, -0.25)
    turns = (Message(Role.SYSTEM, "be"), Message(Role.ASSISTANT, "hm"), Message(Role.USER, "hi"))
    async with node() as (backend, router):
        await read(backend, Prompt(turns, sampling, form))
    assert router.requests[0].prompt == Prompt(turns, sampling, form)


async def test_the_node_says_what_it_cost() -> None:
    """Usage, cost and reasoning are the node's own account."""
    async with node() as (backend, _):
        items = await read(backend)
    completion = items[-1]
    assert isinstance(completion, Completion)
    assert (completion.usage, completion.cost_usd_micros) == (Usage(3, 2), 7)
    assert "".join(item.reasoning for item in items if isinstance(item, Delta)) == "because"


async def test_text_comes_as_the_node_writes_it() -> None:
    """Streaming is true: the first piece is there while the node still waits."""

    async def halts(router: ScriptedRouter, request: Request) -> AsyncGenerator[Event]:
        yield DECIDED
        yield STARTED
        yield TextDelta(1, "first")
        await router.gate.wait()
        yield result(request, "first and last")

    async with node(halts) as (backend, router):
        stream = backend.stream(PROMPT, timeout_s=5.0)
        assert await anext(stream) == Delta("first")
        router.gate.set()
        assert text_of([item async for item in stream]) == " and last"


async def test_leaving_stops_the_far_model() -> None:
    """A caller that cancels stops what runs on the node, at once."""
    async with node(stall) as (backend, router):
        reading = asyncio.create_task(read(backend))
        await router.running.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        async with asyncio.timeout(0.1):
            await router.stopped.wait()


async def test_the_deadline_stops_the_far_model() -> None:
    """Past the deadline the caller gets TimedOut, and the node computes no more."""
    async with node(stall) as (backend, router):
        with pytest.raises(TimedOut) as caught:
            await read(backend, timeout_s=0.1)
        async with asyncio.timeout(1.0):
            await router.stopped.wait()
    assert caught.value.usage.input_token_count > 0


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (errors.NoTierReady("down", retry_after_s=3.0), Unavailable),
        (errors.QueueFull("full", retry_after_s=3.0), Overloaded),
        (errors.DeadlineExceeded("late"), TimedOut),
        (errors.ContextTooLong("long"), ContextTooLong),
        (errors.BudgetExhausted("poor"), Refused),
        (errors.NoTierAllowed("none"), Refused),
        (errors.RequestRefused("never"), Refused),
        (errors.InvalidRequest((errors.Violation("x", "PROMPT_TOO_LARGE", "y"),)), ContextTooLong),
        (errors.InvalidRequest((errors.Violation("x", "TAGS_TOO_MANY", "y"),)), Refused),
        (ValueError("a secret prompt"), Unavailable),
    ],
)
async def test_every_error_of_a_node_has_its_type(error: Exception, kind: type[BackendError]) -> None:
    """The node's reason decides, then gRPC's code; the node's own words stay there."""
    async with node(failing(error)) as (backend, _):
        with pytest.raises(kind) as caught:
            await read(backend)
    assert type(caught.value) is kind
    assert str(error) not in str(caught.value)
    if isinstance(error, errors.NoTierReady | errors.QueueFull):
        assert isinstance(caught.value, Unavailable)
        assert caught.value.retry_after_s == 3.0


async def test_a_retraction_before_any_text_does_not_show() -> None:
    """An attempt that the node rejects in silence is its own affair."""

    async def silent(router: ScriptedRouter, request: Request) -> AsyncGenerator[Event]:
        async for event in escalate(router, request):
            if event != TextDelta(1, "wrong"):
                yield event

    async with node(silent) as (backend, _):
        assert text_of(await read(backend)) == "right"


async def test_text_that_is_voided_makes_no_answer() -> None:
    """What was passed on cannot be taken back, so an answer that does not go on from it is an error."""
    async with node(escalate) as (backend, _):
        with pytest.raises(Unavailable, match="voided"):
            await read(backend)


async def test_a_node_that_dies_is_unavailable_and_comes_back() -> None:
    """The call ends typed, the start fails typed, and a new node at the same place is found."""
    router = ScriptedRouter(stall)
    settings = ServerConfig.model_validate({"listen": "127.0.0.1:0"})
    async with RouterServer(settings, router) as server:
        target = await server.start()
        backend = UpshiftNodeBackend(UpshiftNodeOptions(target=target))
        await backend.start()
        reading = asyncio.create_task(read(backend))
        await router.running.wait()
    with pytest.raises(Unavailable):
        await reading
    with pytest.raises((Unavailable, TimedOut)):
        await backend.start()
    async with RouterServer(ServerConfig.model_validate({"listen": target}), ScriptedRouter()) as again:
        await again.start()
        async with asyncio.timeout(10):
            while True:
                try:
                    await backend.start()
                    break
                except Unavailable:
                    await asyncio.sleep(0.05)
        assert text_of(await read(backend)) == "a secret prompt"
    await backend.close()


async def test_closing_the_backend_ends_its_streams() -> None:
    """A stream that waits while the backend closes raises Unavailable, and its task goes on."""
    async with node(stall) as (backend, router):
        reading = asyncio.create_task(read(backend))
        await router.running.wait()
        await backend.close()
        with pytest.raises(Unavailable):
            await reading


async def test_a_closed_backend_leaves_nothing() -> None:
    """Neither task nor socket nor thread is left, whether calls ended, were left or failed."""
    # gRPC's own threads run as long as anything of it does.
    async with node(), nothing_left(), node(stall) as (backend, router):
        with pytest.raises(TimedOut):
            await read(backend, timeout_s=0.05)
        reading = asyncio.create_task(read(backend))
        await router.running.wait()
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def test_a_node_that_is_down_is_unavailable() -> None:
    """There is nobody to ask."""
    backend = UpshiftNodeBackend(UpshiftNodeOptions(target="127.0.0.1:1"))
    with pytest.raises(Unavailable, match="UNAVAILABLE"):
        await backend.start()
    await backend.close()
    with pytest.raises(Unavailable, match="not started"):
        await read(backend)


async def test_an_edge_books_what_the_region_says() -> None:
    """A whole chain answers, and the edge's account is that of the tier that did the work."""
    async with (
        upshift_server.serve({"reply": "regional answer"}) as region,
        upshift_server.serve({"target": region}, backend="upshift_node") as edge,
        AsyncClient(edge) as client,
    ):
        answer = await client.generate("hi", max_cost_usd=0.01, timeout_s=10.0)
        assert (answer.text, answer.usage) == ("regional answer", Usage(1, 2))
        assert round(answer.cost_usd * 1e6) == 1 * 3 + 2 * 15
        with pytest.raises(UpshiftError) as caught:
            await client.generate("hi", max_cost_usd=0.000001, timeout_s=10.0)
    assert caught.value.reason == "BUDGET_EXHAUSTED"


async def test_nodes_in_a_circle_give_up() -> None:
    """A node whose only tier is itself passes a request on as often as it may, and then refuses."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    config = parse(CIRCLE.format(address=address))
    router = build(config)
    asked: list[int] = []
    run = router.run

    def counted(request: Request) -> AsyncGenerator[Event]:
        asked.append(request.hop_count)
        return run(request)

    router.run = counted  # type: ignore[method-assign]
    async with RouterServer(config.server, router) as server, AsyncClient(await server.start()) as client:
        with pytest.raises(UpshiftError) as caught:
            await client.generate("hi", timeout_s=10.0)
    assert caught.value.reason == "REQUEST_REFUSED"
    assert asked == [0, 1, 2, 3]


async def test_what_must_stay_here_goes_to_no_other_machine() -> None:
    """The adapter itself refuses, whatever the plan above it says."""
    async with node(external=True) as (backend, router):
        with pytest.raises(Refused, match="must stay on this machine"):
            await read(backend, replace(PROMPT, terms=Terms(local_only=True)))
    assert router.requests == []


Answers = Callable[[router_pb2.StreamGenerateRequest, Any], Any]


class Liar(router_pb2_grpc.RouterServiceServicer):
    """A node that answers as it is told to, and keeps what came beside the question."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self.metadata: dict[str, str] = {}

    async def StreamGenerate(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Lie."""
        self.metadata = dict(context.invocation_metadata())
        async for event in self._answers(request, context):
            yield event


@asynccontextmanager
async def lying(
    answers: Answers, *, credentials: grpc.ServerCredentials | None = None, **options: Any
) -> AsyncIterator[tuple[UpshiftNodeBackend, Liar]]:
    """A backend in front of a liar."""
    liar, server = Liar(answers), grpc.aio.server()  # type: ignore[abstract]
    router_pb2_grpc.add_RouterServiceServicer_to_server(liar, server)
    if credentials is None:
        port = server.add_insecure_port("127.0.0.1:0")
    else:
        port = server.add_secure_port("localhost:0", credentials)
    await server.start()
    host = "127.0.0.1" if credentials is None else "localhost"
    settings = {"target": f"{host}:{port}", "start_check": False} | options
    backend = UpshiftNodeBackend(UpshiftNodeOptions.model_validate(settings))
    await backend.start()
    try:
        yield backend, liar
    finally:
        await backend.close()
        await server.stop(None)


def event(**fields: Any) -> router_pb2.StreamGenerateResponse:
    """One event of a stream."""
    return router_pb2.StreamGenerateResponse(**fields)


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


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for localhost that vouches for itself, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")]
    subprocess.run([*command.split(), *names, *files], check=True, capture_output=True)
    return folder / "certificate.pem", folder / "key.pem"


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
