"""Messages of the wire, from clients and from other nodes, and frames of workers."""

from __future__ import annotations

from google.protobuf.message import DecodeError
from upshift.v1 import router_pb2

from backends.errors import BackendError
from backends.llamacpp.worker.frames import FrameError, FrameReader
from backends.llamacpp.worker.messages import read_order, read_report
from backends.types import Delta
from backends.upshift_node_answer import NodeAnswer
from backends.upshift_node_wire import request_message, request_metadata
from router.errors import RoutingError
from router.rpc.client.answer import stream_event
from router.rpc.rules import Known, check_asking, check_feedback, check_page
from router.rpc.seam import Call
from router.rpc.wire import core_request
from tests.fuzz.target import Target, cut

_KNOWN = Known(frozenset({"edge", "frontier"}), frozenset({"default"}))
_CALL = Call("fuzz", 5.0)


def _ask(data: bytes) -> None:
    """A request that is taken goes on to the next node, and is taken there just so."""
    message = router_pb2.StreamGenerateRequest.FromString(data)
    request = core_request(message, _CALL, _KNOWN)
    passed = request_message(request.prompt, output_limit=10, policy=None)
    assert request_metadata(request.prompt.terms, None)
    check_asking(passed, _KNOWN)
    again = core_request(passed, _CALL, _KNOWN)
    assert again.prompt.messages == request.prompt.messages
    assert again.prompt.response_format == request.prompt.response_format


def _feedback(data: bytes) -> None:
    check_feedback(router_pb2.SubmitFeedbackRequest.FromString(data))


def _page(data: bytes) -> None:
    check_page(router_pb2.ListTiersRequest.FromString(data), ("edge", "frontier"))


def _node(data: bytes) -> None:
    """Events of a node, each behind a byte that says how long it is."""
    answer = NodeAnswer(estimated_input_token_count=3, output_limit=10)
    while data:
        length, data = data[0], data[1:]
        event = router_pb2.StreamGenerateResponse.FromString(data[:length])
        assert isinstance(answer.add(event), Delta)
        data = data[length:]
    assert answer.usage.input_token_count >= 0


def _client(data: bytes) -> None:
    stream_event(router_pb2.StreamGenerateResponse.FromString(data))


def _frames(data: bytes) -> None:
    """However the pipe cuts them, frames come out the same."""
    whole, pieces = cut(data)
    at_once = _framed([whole])
    assert _framed(pieces) == at_once
    for payload in at_once[0]:
        for read in (read_order, read_report):
            try:
                read(payload)
            except FrameError:
                continue


def _framed(pieces: list[bytes]) -> tuple[list[bytes], bool]:
    reader = FrameReader()
    payloads: list[bytes] = []
    try:
        for piece in pieces:
            payloads += reader.feed(piece)
    except FrameError:
        return payloads, True
    return payloads, False


TARGETS = (
    Target("wire_asking", _ask, (DecodeError, RoutingError)),
    Target("wire_feedback", _feedback, (DecodeError, RoutingError)),
    Target("wire_page", _page, (DecodeError, RoutingError)),
    Target("node_answer", _node, (DecodeError, BackendError)),
    Target("client_event", _client, (DecodeError, ValueError)),
    Target("worker_frames", _frames),
)
