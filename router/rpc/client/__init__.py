"""A typed client for applications.

::

    with Client("127.0.0.1:50051") as client:
        answer = client.generate("What is 6 times 7?", min_confidence=0.9)
        print(answer.text, answer.tier, answer.confidence, answer.cost_usd)

:class:`AsyncClient` is the same for asyncio. Both raise only :class:`UpshiftError`.
"""

from router.certificates.warrant import CertificateStatus
from router.events import AttemptRejected, AttemptReport, AttemptStarted, Decided, TextDelta
from router.rpc.client.answer import Answer, StreamEvent
from router.rpc.client.asynchronous import AsyncClient
from router.rpc.client.channel import tls
from router.rpc.client.errors import UpshiftError
from router.rpc.client.question import Options
from router.rpc.client.synchronous import Client

__all__ = [
    "Answer",
    "AsyncClient",
    "AttemptRejected",
    "AttemptReport",
    "AttemptStarted",
    "CertificateStatus",
    "Client",
    "Decided",
    "Options",
    "StreamEvent",
    "TextDelta",
    "UpshiftError",
    "tls",
]
