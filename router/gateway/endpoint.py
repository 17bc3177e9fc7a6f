"""Where requests come in from HTTP and errors go out: the one guard around every address.

Decides what a request is named, how long it may take, and how it ends when it fails, as ``router.rpc.edge``
does for gRPC. Refuses to know what is answered.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import time
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import replace

from starlette.types import Receive, Scope, Send

from router.errors import InvalidRequest, PermissionDenied, RoutingError, Violation
from router.gateway.dialect import Dialect
from router.gateway.exchange import ClientLeft, Exchange
from router.gateway.house import House
from router.gateway.problem import NotFound, Problem, TooLarge, TooSlow, WrongMethod, problem_of
from router.request_context import set_current
from router.rpc.call_log import log_failure
from router.rpc.calls import CallRecord, tell
from router.rpc.ids import request_id_of, traceparent_of
from router.rpc.names import REQUEST_ID_KEY, SESSION_KEY
from router.rpc.seam import Call
from router.tenants.principal import Scope as KeyScope

Work = Callable[[bytes, Call, Exchange], Awaitable[None]]

TIMEOUT_HEADER = "x-upshift-timeout-s"
# Who sends a body slower than that holds a place that others could have.
BODY_TIMEOUT_S = 30.0
_FORESEEN = (RoutingError, TooLarge, TooSlow, NotFound, WrongMethod)
_LOG = logging.getLogger(__name__)


class Endpoint:
    """An ASGI application for one address: ``work`` answers the body that it is given.

    ``name`` is what metrics call it; ``scope`` is what a key must be good for, None: it needs none.
    """

    def __init__(self, name: str, scope: KeyScope | None, dialect: Dialect, work: Work, house: House) -> None:
        self._name = name
        self._scope = scope
        self._dialect = dialect
        self._work = work
        self._house = house

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; raises only what cancels the server's own task."""
        exchange = Exchange(scope, receive, send)
        record = self._begin(exchange)
        try:
            call = record.call = self._call(record.call, exchange)
            with nullcontext() if self._scope is None else self._house.places.take():
                body = await self._body(exchange)
                await exchange.unless_left(self._answered(body, call, exchange))
        except ClientLeft:
            tell(record, asyncio.CancelledError(), self._house.listeners)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  this is the edge
            tell(record, error, self._house.listeners)
            await self._fail(error, exchange, record.call)
        else:
            tell(record, None, self._house.listeners)

    async def _body(self, exchange: Exchange) -> bytes:
        try:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                return await exchange.body(self._house.limits.body_byte_count)
        except TimeoutError:
            raise TooSlow(BODY_TIMEOUT_S) from None

    async def _answered(self, body: bytes, call: Call, exchange: Exchange) -> None:
        # A task has a context of its own, so that log lines of requests that run at once are told apart.
        set_current(call.request_id, call.traceparent)
        await self._work(body, call, exchange)

    def _begin(self, exchange: Exchange) -> CallRecord:
        sent = exchange.headers
        call = Call(
            request_id=request_id_of(sent.get(REQUEST_ID_KEY)),
            timeout_s=self._house.limits.timeout_s,
            traceparent=traceparent_of(sent.get("traceparent")),
            session=sent.get(SESSION_KEY, ""),
        )
        exchange.named = [
            ("x-upshift-request-id", call.request_id),
            (self._dialect.request_id_header, call.request_id),
        ]
        return CallRecord(self._name, call, exchange.peer, time.perf_counter())

    def _call(self, call: Call, exchange: Exchange) -> Call:
        """``call`` with who makes it and how long it may take. Raises RoutingError."""
        authenticator = self._house.authenticator
        if authenticator is None and self._scope is not None:
            _refuse_pages(exchange)
        elif authenticator is not None and self._scope is not None:
            principal = authenticator.recognised(self._dialect.key(exchange.headers), self._scope)
            call = replace(call, caller=principal)
        timeout = exchange.headers.get(TIMEOUT_HEADER)
        return call if timeout is None else replace(call, timeout_s=_seconds(timeout))

    async def _fail(self, error: BaseException, exchange: Exchange, call: Call) -> None:
        """End the request as ``error`` asks for; one that the server itself cancels goes on up."""
        task = asyncio.current_task()
        if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
            raise error
        problem = problem_of(error)
        log_failure(_LOG, error, problem.reason, call, is_foreseen=isinstance(error, _FORESEEN))
        if exchange.is_answered:
            await exchange.write(self._dialect.error_event(problem))
            await exchange.end_stream()
            return
        body = json.dumps(self._dialect.error(problem)).encode()
        await exchange.reply(self._dialect.status(problem), body, _retrying(problem))


def _retrying(problem: Problem) -> list[tuple[str, str]]:
    """Headers that say whether to ask again, and when."""
    headers = [("x-should-retry", str(problem.may_retry).lower())]
    if problem.retry_after_s is not None:
        headers.append(("retry-after", str(math.ceil(problem.retry_after_s))))
        headers.append(("retry-after-ms", str(math.ceil(problem.retry_after_s * 1000))))
    return headers


def _refuse_pages(exchange: Exchange) -> None:
    """Raise PermissionDenied for what a browser sends for a page, where no key is asked for.

    Any site could else spend the money of whoever looks at it; it could not read the answers, but ask.
    """
    if (origin := exchange.headers.get("origin")) is not None:
        raise PermissionDenied(
            "ORIGIN_NOT_ALLOWED",
            f"it comes from a page of {origin[:80]!r}, and this server asks nobody for a key; set auth.keys",
        )


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0.0 < seconds <= 86_400.0:
        said = f"is {text[:40]!r}; it must be a number of seconds above 0, at most 86400"
        raise InvalidRequest((Violation(TIMEOUT_HEADER, "TIMEOUT_INVALID", said),))
    return seconds
