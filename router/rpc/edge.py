"""Where calls come in from gRPC and errors go out: the one guard around every method.

Decides what a call is named, how long it may take, and how it ends when it fails. Reads the bytes
itself, so that malformed ones are the caller's error and not an internal one, and asks for a key before it
waits for them, so that nobody else holds a call open. Refuses to know what the methods do.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, NoReturn, TypeAlias, TypeVar

import grpc
from google.protobuf.message import DecodeError, Message
from upshift.v1 import router_pb2

from backends.upshift_node_wire import HOP_COUNT_KEY
from router.errors import InvalidRequest, MessageTooSlow, RoutingError, Violation
from router.request_context import set_current
from router.rpc.authentication import Authenticator
from router.rpc.call_log import log_failure
from router.rpc.calls import CallListener, CallRecord, tell
from router.rpc.ids import matching, request_id_of, traceparent_of
from router.rpc.names import DETAILS_KEY, REQUEST_ID_KEY, SESSION_KEY
from router.rpc.places import Places
from router.rpc.seam import Call
from router.rpc.service import RouterService
from router.rpc.status import wire_status
from router.tenants.principal import Scope

M = TypeVar("M", bound=Message)
Context: TypeAlias = "grpc.aio.ServicerContext[bytes, Message]"
Handler: TypeAlias = "grpc.RpcMethodHandler[bytes, Message]"

_HOP_COUNT = re.compile(r"[0-9]{1,4}")
MESSAGE_TIMEOUT_S = 30.0
"""How long a call may be open before its message has come."""
_LOG = logging.getLogger(__name__)


def method_handlers(service: RouterService, edge: Edge) -> dict[str, Handler]:
    """Every method of the proto's service by its name, as ``edge`` wraps it."""
    unary, stream = edge.unary, edge.stream
    return {
        "Generate": unary(router_pb2.GenerateRequest, service.generate, Scope.GENERATE),
        "StreamGenerate": stream(router_pb2.StreamGenerateRequest, service.stream_generate, Scope.GENERATE),
        "Decide": unary(router_pb2.DecideRequest, service.decide, Scope.DECIDE),
        "SubmitFeedback": unary(router_pb2.SubmitFeedbackRequest, service.submit_feedback, Scope.FEEDBACK),
        "ListTiers": unary(router_pb2.ListTiersRequest, service.list_tiers, Scope.LIST),
    }


class Edge:
    """Wraps methods for gRPC; calls without a deadline get ``default_timeout_s``.

    ``places`` is the room for calls at once, which other doors may share; None: there is no limit.
    ``authenticator`` None: anybody may call. ``listeners`` hear of every call that ended, refused ones too.
    """

    def __init__(
        self,
        default_timeout_s: float,
        places: Places | None = None,
        authenticator: Authenticator | None = None,
        listeners: Sequence[CallListener] = (),
    ) -> None:
        self._default_timeout_s = default_timeout_s
        self._places = places or Places()
        self._authenticator = authenticator
        self._listeners = tuple(listeners)

    def unary(self, kind: type[M], method: Callable[[M, Call], Awaitable[Message]], scope: Scope) -> Handler:
        """Handle a call with one answer, for keys of ``scope``."""

        async def handle(sent: AsyncIterator[bytes], context: Context) -> Message:
            call, record = self._begin(context, kind)
            try:
                call = record.call = self._recognised(call, context, scope)
                raw = await _first(sent)
                with self._places.take():
                    record.message = message = _parse(kind, raw)
                    record.answer = answer = await method(message, call)
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  this is the edge
                self._tell(record, error)
                await _end(error, context, call)
            self._tell(record, None)
            return answer

        return grpc.stream_unary_rpc_method_handler(handle, None, _serialize)

    def stream(
        self, kind: type[M], method: Callable[[M, Call], AsyncGenerator[Message]], scope: Scope
    ) -> Handler:
        """Handle a call with a stream of answers, for keys of ``scope``."""

        async def handle(sent: AsyncIterator[bytes], context: Context) -> None:
            call, record = self._begin(context, kind)
            try:
                call = record.call = self._recognised(call, context, scope)
                raw = await _first(sent)
                with self._places.take():
                    async with aclosing(method(_parse(kind, raw), call)) as answers:
                        async for answer in answers:
                            await context.write(answer)
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  this is the edge
                self._tell(record, error)
                await _end(error, context, call)
            self._tell(record, None)

        return grpc.stream_stream_rpc_method_handler(handle, None, _serialize)

    def exchange(
        self, kind: type[M], method: Callable[[AsyncIterator[M], Call], AsyncGenerator[Message]], scope: Scope
    ) -> Handler:
        """Handle a call with streams both ways, for keys of ``scope``."""

        async def handle(sent: AsyncIterator[bytes], context: Context) -> None:
            call, record = self._begin(context, kind)
            try:
                call = record.call = self._recognised(call, context, scope)
                with self._places.take():
                    messages = (_parse(kind, raw) async for raw in sent)
                    async with aclosing(method(messages, call)) as answers:
                        async for answer in answers:
                            await context.write(answer)
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  this is the edge
                self._tell(record, error)
                await _end(error, context, call)
            self._tell(record, None)

        return grpc.stream_stream_rpc_method_handler(handle, None, _serialize)

    def _begin(self, context: Context, kind: type[Message]) -> tuple[Call, CallRecord]:
        call = self._call(context)
        context.set_trailing_metadata(((REQUEST_ID_KEY, call.request_id),))
        set_current(call.request_id, call.traceparent)
        name = kind.DESCRIPTOR.name.removesuffix("Request")
        peer = context.peer() if self._listeners else ""
        return call, CallRecord(name, call, peer, time.perf_counter())

    def _tell(self, record: CallRecord, error: BaseException | None) -> None:
        tell(record, error, self._listeners)

    def _recognised(self, call: Call, context: Context, scope: Scope) -> Call:
        if self._authenticator is None:
            return call
        sent = dict(context.invocation_metadata() or ())
        return replace(call, caller=self._authenticator.principal(sent, scope))

    def _call(self, context: Context) -> Call:
        sent = dict(context.invocation_metadata() or ())
        left_s = context.time_remaining()
        return Call(
            request_id=request_id_of(sent.get(REQUEST_ID_KEY)),
            timeout_s=self._default_timeout_s if left_s is None else left_s,
            traceparent=traceparent_of(sent.get("traceparent")),
            hop_count=int(matching(_HOP_COUNT, sent.get(HOP_COUNT_KEY)) or 0),
            session=str(sent.get(SESSION_KEY, "")),
        )


def _serialize(message: Message) -> bytes:
    return message.SerializeToString()


async def _first(sent: AsyncIterator[bytes]) -> bytes:
    """The message of a call that has one. gRPC itself would wait for it as long as the connection lives."""
    try:
        async with asyncio.timeout(MESSAGE_TIMEOUT_S):
            return await anext(sent)
    except TimeoutError:
        raise MessageTooSlow(f"the call's message did not come within {MESSAGE_TIMEOUT_S:g} s") from None
    except StopAsyncIteration:
        raise InvalidRequest((Violation("", "MESSAGE_MISSING", "the call ended without one"),)) from None


def _parse(kind: type[M], raw: bytes) -> M:
    try:
        return kind.FromString(raw)
    except DecodeError:
        said = f"the {len(raw)} bytes are no {kind.DESCRIPTOR.full_name}; text must be UTF-8"
        raise InvalidRequest((Violation("", "MESSAGE_MALFORMED", said),)) from None


async def _end(error: BaseException, context: Context, call: Call) -> NoReturn:
    """End the call as ``error`` asks for.

    Only gRPC cancels a handler. Any other cancellation comes up from below by mistake; passed on, it
    would leave the caller waiting until its deadline.
    """
    task = asyncio.current_task()
    if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
        raise error
    if isinstance(error, grpc.aio.AbortError):
        raise error
    status = wire_status(error)
    log_failure(_LOG, error, status.reason, call, is_foreseen=isinstance(error, RoutingError))
    metadata: tuple[tuple[str, Any], ...] = (
        (REQUEST_ID_KEY, call.request_id),
        (DETAILS_KEY, status.details),
    )
    await context.abort(status.code, status.message, trailing_metadata=metadata)
