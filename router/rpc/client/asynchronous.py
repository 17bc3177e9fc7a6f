"""The client for asyncio."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from upshift.v1 import router_pb2
from upshift.v1.router_pb2_grpc import RouterServiceStub

from router.certificates.warrant import CertificateStatus
from router.events import Decided
from router.rpc.certificates import certificate_status
from router.rpc.client.answer import Answer, StreamEvent, answer, decided, stream_event, tier_status
from router.rpc.client.channel import DEFAULT_TARGET, async_channel
from router.rpc.client.errors import UpshiftError
from router.rpc.client.question import Options, Question, asking, authorization, call_arguments
from router.rpc.client.spoken import Spoken
from router.rpc.names import SERVICE_NAME
from router.tiers import TierStatus

T = TypeVar("T")


class AsyncClient:
    """Asks a router. One client serves any number of tasks at once; ``async with`` closes it.

    ``target`` is ``host:port``, or anything that gRPC resolves to several replicas. ``credentials`` None:
    no encryption; see :func:`tls`. ``key`` is an API key, where the server wants one. All methods raise
    :class:`UpshiftError`; what cannot be reached is tried up to four times. Cancelling a call, or
    closing a stream, stops the model.
    """

    def __init__(
        self,
        target: str = DEFAULT_TARGET,
        *,
        credentials: grpc.ChannelCredentials | None = None,
        key: str | None = None,
    ) -> None:
        self._channel = async_channel(target, credentials)
        self._stub = RouterServiceStub(self._channel)
        self._metadata = authorization(key)
        self._health: Any = health_pb2_grpc.HealthStub(self._channel)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End all calls and disconnect."""
        await self._channel.close()

    async def generate(self, question: Question, **options: Unpack[Options]) -> Answer:
        """Answer ``question`` all at once."""
        message = asking(router_pb2.GenerateRequest, question, options)
        response = await _raised(self._stub.Generate(message, **call_arguments(options, self._metadata)))
        return answer(response.result)

    async def stream(self, question: Question, **options: Unpack[Options]) -> AsyncGenerator[StreamEvent]:
        """Answer ``question`` event by event: Decided first, the Answer last. Closing it cancels."""
        message = asking(router_pb2.StreamGenerateRequest, question, options)
        call = self._stub.StreamGenerate(message, **call_arguments(options, self._metadata))
        try:
            async for response in call:
                if (event := stream_event(response)) is not None:
                    yield event
        except grpc.aio.AioRpcError as error:
            raise UpshiftError.of(error) from error
        finally:
            call.cancel()

    async def stream_text(self, question: Question, **options: Unpack[Options]) -> AsyncGenerator[str]:
        """Answer ``question`` piece by piece; raises ``TEXT_RETRACTED`` where pieces turn out void."""
        spoken = Spoken()
        async with aclosing(self.stream(question, **options)) as events:
            async for event in events:
                if text := spoken.text(event):
                    yield text

    async def decide(self, question: Question, **options: Unpack[Options]) -> Decided:
        """Say which tier would be tried first, and on what grounds; nothing runs."""
        message = asking(router_pb2.DecideRequest, question, options)
        response = await _raised(self._stub.Decide(message, **call_arguments(options, self._metadata)))
        return decided(response.decision)

    async def list_tiers(self, *, page_size: int = 0) -> tuple[TierStatus, ...]:
        """List all tiers, cheapest first; ``page_size`` at a time, 0: as the server likes."""
        found: list[TierStatus] = []
        request = router_pb2.ListTiersRequest(page_size=page_size)
        while True:
            page = await _raised(self._stub.ListTiers(request, metadata=self._metadata))
            found += map(tier_status, page.tiers)
            request.page_token = page.next_page_token
            if not page.next_page_token:
                return tuple(found)

    async def list_certificates(self) -> tuple[CertificateStatus, ...]:
        """List every certificate that a policy may serve by, and how it stands."""
        request = router_pb2.ListTiersRequest(page_size=1)
        page = await _raised(self._stub.ListTiers(request, metadata=self._metadata))
        return tuple(map(certificate_status, page.certificates))

    async def submit_feedback(self, request_id: str, score: float, *, source: str = "user") -> bool:
        """Say how good an answer was, from 0 to 1; True where this replaces an earlier score."""
        message = router_pb2.SubmitFeedbackRequest(request_id=request_id, score=score, source=source)
        response = await _raised(self._stub.SubmitFeedback(message, metadata=self._metadata))
        return response.replaced

    async def health(self) -> bool:
        """Say whether the server wants requests now."""
        request = health_pb2.HealthCheckRequest(service=SERVICE_NAME)
        response = await _raised(self._health.Check(request))
        return bool(response.status == health_pb2.HealthCheckResponse.SERVING)


async def _raised(call: Awaitable[T]) -> T:
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        raise UpshiftError.of(error) from error
