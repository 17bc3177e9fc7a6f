"""The router: everything that serves a request, behind one object.

Decides nothing itself; it joins planner, loop and journal, and owns their start and end. Knows
neither gRPC nor the command line.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from router.assess import Assessor
from router.audit import FEEDBACK_SOURCE, Auditor
from router.cascade import Cascade
from router.certificates.served import Served
from router.certificates.warrant import CertificateStatus
from router.errors import RoutingError
from router.events import Decided, Event, Result
from router.journal import Journal, JournalEntry
from router.plan import Planner
from router.readiness import Readiness
from router.request import Request
from router.tiers import Tier, TierStatus


class Router:
    """Answers requests. ``start`` before the first one, ``close`` after the last."""

    def __init__(
        self,
        tiers: Sequence[Tier],
        planner: Planner,
        assessor: Assessor,
        journal: Journal,
        clock: Callable[[], float],
        auditor: Auditor | None = None,
    ) -> None:
        self._tiers = tuple(tiers)
        self._planner = planner
        self._assessor = assessor
        self._journal = journal
        self._clock = clock
        self._auditor = auditor
        self._readiness = Readiness(tiers)

    async def start(self) -> None:
        """Open the journal and start the tiers; returns when each is ready or has failed once."""
        await self._journal.start()
        if self._auditor is not None:
            await self._auditor.start()
        await self._readiness.start()

    async def close(self) -> None:
        """Stop the tiers and write out the journal."""
        try:
            if self._auditor is not None:
                await self._auditor.close()
            await self._readiness.close()
        finally:
            await self._journal.close()

    def decide(self, request: Request) -> Decided:
        """Say what would be tried first, and on what grounds. Raises RoutingError."""
        return self._cascade(request).decide()

    async def run(self, request: Request) -> AsyncGenerator[Event]:
        """Answer a request; see :mod:`router.events`.

        Raises RoutingError. Closing the iterator stops the model; what was spent is journalled.
        """
        cascade = self._cascade(request)
        decided: Decided | None = None
        result: Result | None = None
        failure = "CANCELLED"
        spending = cascade.plan.route.spending
        if spending is not None:
            spending.began()
        try:
            async with aclosing(cascade.run()) as events:
                async for event in events:
                    if isinstance(event, Decided):
                        decided = event
                    elif isinstance(event, Result):
                        result = event
                    yield event
        except RoutingError as error:
            failure = error.reason
            raise
        except Exception:
            failure = RoutingError.reason
            raise
        finally:
            reason = None if result else failure
            reports = cascade.reports()
            self._journal.record(JournalEntry(cascade.plan.request, decided, result, reports, reason))
            if spending is not None:
                spending.booked(sum(report.cost_usd_micros for report in reports))
            self._audit(cascade, result)

    def tiers(self) -> tuple[TierStatus, ...]:
        """Describe every tier as it is now, cheapest first."""
        return tuple(tier.status() for tier in self._tiers)

    def tier_names(self) -> frozenset[str]:
        """Names of all tiers."""
        return frozenset(tier.name for tier in self._tiers)

    def policy_names(self) -> frozenset[str]:
        """Names of all policies."""
        return self._planner.policy_names()

    async def feedback(self, request_id: str, score: float, source: str) -> bool:
        """Record how good an answer was; True where it replaced an earlier score of ``source``.

        Raises UnknownRequest where the journal has no such request.
        """
        replaced = await self._journal.feedback(request_id, score, source)
        if self._auditor is not None and source == FEEDBACK_SOURCE:
            self._auditor.graded(request_id, score)
        return replaced

    def certificates(self) -> tuple[CertificateStatus, ...]:
        """Describe every certificate that a policy may serve by, as it is now."""
        return self._planner.certificates()

    def _audit(self, cascade: Cascade, result: Result | None) -> None:
        """Let the audits know of an answer that a certificate covers."""
        permit = cascade.plan.permit
        if self._auditor is not None and permit is not None and result and result.certificate_id:
            self._auditor.served(Served(cascade.plan, permit, result.tier, cascade.answers()))

    def _cascade(self, request: Request) -> Cascade:
        return Cascade(self._planner.plan(request), self._assessor, self._clock)
