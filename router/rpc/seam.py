"""What the wire asks of the router, and nothing more.

:class:`router.core.Router` fills it; so does anything else that answers requests.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from router.certificates.warrant import CertificateStatus
from router.embedding import Embedded, Texts
from router.events import Decided, Event
from router.request import Request
from router.tenants.principal import ANY, Principal
from router.tiers import TierStatus


@dataclass(frozen=True, slots=True)
class Call:
    """What comes with a message: who names it, how long it may take, which trace it belongs to.

    ``timeout_s`` is what was left to the caller's deadline, or the server's default. ``traceparent``
    is for log lines, and for tiers that are other nodes; ``hop_count`` counts the nodes that passed the
    call on. ``caller`` None: the server asks nobody for a key. ``session`` is what the caller calls the
    conversation; it is not checked yet, and empty where there is none.
    """

    request_id: str
    timeout_s: float
    traceparent: str = ""
    hop_count: int = 0
    caller: Principal | None = None
    session: str = ""

    def tenant(self, named: str) -> str:
        """The tenant that the call is for; ``named`` is what its message says. Raises PermissionDenied."""
        return named if self.caller is None else self.caller.tenant(named)

    def tenants(self) -> frozenset[str] | None:
        """Tenants whose requests the caller may speak of; None: all."""
        return None if self.caller is None or ANY in self.caller.tenants else frozenset(self.caller.tenants)


class Core(Protocol):
    """A router.

    ``start`` once, then anything any number of times at once, then ``close`` once, also where ``start``
    raised. ``run``, ``embed``, ``decide`` and ``feedback`` raise :class:`router.errors.RoutingError`.
    """

    async def start(self) -> None:
        """Get ready; returns when every tier is ready or has failed once."""
        ...

    async def close(self) -> None:
        """Stop everything and free it."""
        ...

    def run(self, request: Request) -> AsyncGenerator[Event]:
        """Answer by an async generator; closing it, or cancelling who waits on it, stops the model."""
        ...

    async def embed(self, texts: Texts) -> Embedded:
        """Turn texts into vectors. Raises as ``run``."""
        ...

    def decide(self, request: Request) -> Decided:
        """Say what would be tried first; nothing runs."""
        ...

    def tiers(self) -> tuple[TierStatus, ...]:
        """Every tier as it is now, cheapest first."""
        ...

    def tier_names(self) -> frozenset[str]:
        """Names of all tiers."""
        ...

    def policy_names(self) -> frozenset[str]:
        """Names of all policies."""
        ...

    def certificates(self) -> tuple[CertificateStatus, ...]:
        """Every certificate that a policy may serve by, as it is now."""
        ...

    async def feedback(
        self, request_id: str, score: float, source: str, *, tenants: frozenset[str] | None = None
    ) -> bool:
        """Record a score; True where it replaced one of the same source.

        Raises UnknownRequest, too where the request is not of ``tenants``; None: of anybody.
        """
        ...
