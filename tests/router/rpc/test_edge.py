"""Calls over a real socket: names, deadlines, cancellation, and errors that keep to the table."""

from __future__ import annotations

import asyncio
import logging
import time

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest
from google.rpc.status_pb2 import Status
from upshift.v1 import router_pb2
from upshift.v1.router_pb2_grpc import RouterServiceStub

from router.errors import BudgetExhausted, DeadlineExceeded
from router.rpc.client import UpshiftError
from router.rpc.edge import Edge, method_handlers
from router.rpc.ids import new_request_id
from router.rpc.names import DETAILS_KEY, SERVICE_NAME
from router.rpc.service import RouterService
from tests.router.rpc.conftest import Serve, Served
from tests.router.rpc.scripted_router import ScriptedRouter, failing, stall


async def raw_call(served: Served, method: str, raw: bytes) -> grpc.aio.AioRpcError:
    call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = served.channel.unary_unary(
        f"/{SERVICE_NAME}/{method}"
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(raw)
    return caught.value


def asking(text: str = "hi") -> router_pb2.GenerateRequest:
    message = router_pb2.GenerateRequest()
    message.prompt.messages.add(role=2, content=text)
    return message


def test_every_method_of_the_proto_has_a_handler() -> None:
    """A method that is added to the proto cannot be forgotten."""
    handlers = method_handlers(RouterService(ScriptedRouter()), Edge(1.0))
    methods = router_pb2.DESCRIPTOR.services_by_name["RouterService"].methods
    assert {method.name: method.server_streaming for method in methods} == {
        name: handler.response_streaming for name, handler in handlers.items()
    }


@pytest.mark.parametrize("raw", [b"\xff", b"\x0a\x06\x0a\x04\x12\x02\xff\xfe"], ids=["garbage", "bad UTF-8"])
async def test_malformed_bytes_are_the_callers_error(serve: Serve, raw: bytes) -> None:
    """What protobuf refuses is INVALID_ARGUMENT with a violation, not INTERNAL."""
    error = await raw_call(await serve(), "Generate", raw)
    trailers = dict(error.trailing_metadata())
    bad = BadRequest()
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert Status.FromString(trailers[DETAILS_KEY]).details[1].Unpack(bad)
    assert bad.field_violations[0].reason == "MESSAGE_MALFORMED"


@pytest.mark.parametrize("method", ["Generate", "StreamGenerate", "Decide"])
async def test_every_way_of_asking_is_checked(serve: Serve, method: str) -> None:
    """The rules hold for all three, and nothing reaches the router."""
    served = await serve()
    error = await raw_call(served, method, b"")
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert served.router.requests == []


async def test_a_callers_request_id_is_kept_and_given_back(serve: Serve) -> None:
    """``x-request-id`` names the request all the way and comes back in the trailers."""
    served = await serve()
    call = RouterServiceStub(served.channel).Generate(asking(), metadata=(("x-request-id", "mine_1-A"),))
    response = await call
    assert response.result.request_id == "mine_1-A"
    assert dict(await call.trailing_metadata())["x-request-id"] == "mine_1-A"


@pytest.mark.parametrize("sent", ["", "with space", "x" * 129, "semi;colon"])
async def test_a_strange_request_id_is_replaced(serve: Serve, sent: str) -> None:
    """What could not stand in a log line is not taken."""
    served = await serve()
    call = RouterServiceStub(served.channel).Generate(asking(), metadata=(("x-request-id", sent),))
    response = await call
    assert len(response.result.request_id) == 24
    assert dict(await call.trailing_metadata())["x-request-id"] == response.result.request_id


def test_new_request_ids_are_distinct_and_sort_by_time() -> None:
    """The journal's index stays append-only."""
    earlier = {new_request_id() for _ in range(1000)}
    time.sleep(0.002)
    assert len(earlier) == 1000
    assert max(earlier) < new_request_id()


async def test_a_callers_deadline_is_passed_on_as_seconds(serve: Serve) -> None:
    """The core gets what is left of it."""
    served = await serve()
    await served.client.generate("hi", timeout_s=7.0)
    # gRPC rounds up what it sends.
    assert 6.0 < (served.router.requests[0].timeout_s or 0.0) <= 7.1


async def test_without_a_deadline_the_default_holds(serve: Serve) -> None:
    """No call may take for ever."""
    served = await serve(default_timeout_s=12.5)
    await served.client.generate("hi")
    assert served.router.requests[0].timeout_s == 12.5


async def test_a_deadline_that_passes_ends_the_call_and_the_model(serve: Serve) -> None:
    """The caller sees DEADLINE_EXCEEDED, and the generator is closed."""
    served = await serve(stall)
    with pytest.raises(UpshiftError) as caught:
        await served.client.generate("hi", timeout_s=0.1)
    assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
    await asyncio.wait_for(served.router.stopped.wait(), 30.0)


async def test_a_deadline_that_the_core_keeps_has_its_reason(serve: Serve) -> None:
    """The server's own deadline is told apart from the network's."""
    served = await serve(failing(DeadlineExceeded("too slow")))
    with pytest.raises(UpshiftError, match="too slow") as caught:
        await served.client.generate("hi")
    assert (caught.value.code, caught.value.reason) == (
        grpc.StatusCode.DEADLINE_EXCEEDED,
        "DEADLINE_EXCEEDED",
    )


@pytest.mark.parametrize("method", ["Generate", "StreamGenerate"])
async def test_a_cancelled_call_stops_the_model(serve: Serve, method: str) -> None:
    """Cancellation reaches the generator, for both ways of asking."""
    served = await serve(stall)
    call = getattr(RouterServiceStub(served.channel), method)(_as_asked(method))
    await served.router.running.wait()
    call.cancel()
    await asyncio.wait_for(served.router.stopped.wait(), 30.0)


def _as_asked(method: str) -> Message:
    kind: type[Message] = getattr(router_pb2, f"{method}Request")
    return kind.FromString(asking().SerializeToString())


@pytest.mark.parametrize("error", [ValueError("secret"), asyncio.CancelledError("secret")])
async def test_an_unforeseen_error_never_leaks(
    serve: Serve, error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    """The caller gets INTERNAL and an id; the log has the id and the place, and neither has the text."""
    served = await serve(failing(error))
    for ask in (
        served.client.generate("hi", timeout_s=5.0),
        anext(served.client.stream_text("hi", timeout_s=5.0)),
    ):
        with pytest.raises(UpshiftError) as caught:
            await ask
        assert (caught.value.code, caught.value.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
        assert "secret" not in str(caught.value)
        assert caught.value.request_id in caplog.text
    assert "scripted_router.py" in caplog.text
    assert "secret" not in caplog.text


async def test_a_refusal_is_logged_by_reason_and_trace(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    """An operator finds the request by its trace; no prompt is in the line."""
    caplog.set_level(logging.INFO, "router.rpc.edge")
    served = await serve(failing(BudgetExhausted("too dear")))
    call = RouterServiceStub(served.channel).Generate(
        asking("my prompt"), metadata=(("traceparent", "00-ab-cd-01"),)
    )
    with pytest.raises(grpc.aio.AioRpcError):
        await call
    assert "00-ab-cd-01 ends in BUDGET_EXHAUSTED" in caplog.text
    assert "my prompt" not in caplog.text


async def test_many_cancelled_streams_leave_nothing_behind(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    """Callers that leave in the middle are no errors."""
    served = await serve()

    async def glance() -> None:
        stream = served.client.stream("hi")
        await anext(stream)
        await stream.aclose()

    await asyncio.gather(*(glance() for _ in range(50)))
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize(
    ("sent", "counted"), [("2", 2), ("0", 0), ("-1", 0), ("many", 0), ("9" * 5, 0), (None, 0)]
)
async def test_reads_how_many_nodes_a_request_has_passed(
    serve: Serve, sent: str | None, counted: int
) -> None:
    """What other nodes write counts; nonsense, which none of them writes, does not."""
    served = await serve()
    metadata = () if sent is None else (("x-upshift-hop-count", sent),)
    await RouterServiceStub(served.channel).Generate(asking(), metadata=metadata)
    assert served.router.requests[0].hop_count == counted
