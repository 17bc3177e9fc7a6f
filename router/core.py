"""The router: everything that serves a request, behind one object.

Decides nothing itself; it joins planner, loop and journal, and owns their start and end. Knows
neither gRPC nor the command line.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from router.assess import Assessor
from router.audit import FEEDBACK_SOURCE, Auditor
from router.cascade import Cascade
from router.certificates.served import Served
from router.certificates.warrant import CertificateStatus
from router.embedding import Embedded, Texts, embed
from router.errors import RoutingError
from router.events import Decided, Event, Result
from router.journal import Journal, JournalEntry
from router.observation import Observer, Unobserving
from router.plan import Planner, Route
from router.readiness import Readiness
from router.request import Request
from router.resilience.happenings import Listener
from router.tenants.admission import Admission
from router.tenants.turnstile import Turnstile, open_to_all
from router.tiers import Tier, TierStatus


@dataclass(frozen=True, slots=True)
class Parts:
    """What of a router can outlive it."""

    tiers: tuple[Tier, ...]
    routes: tuple[Route, ...]
    journal: Journal
    auditor: Auditor | None
    turnstile: Turnstile


class Router:
    """Answers requests. ``start`` before the first one, ``close`` after the last."""

    def __init__(  # noqa: PLR0913 - the root of the object graph
        self,
        tiers: Sequence[Tier],
        planner: Planner,
        assessor: Assessor,
        journal: Journal,
        clock: Callable[[], float],
        auditor: Auditor | None = None,
        *,
        turnstile: Turnstile | None = None,
    ) -> None:
        self._tiers = tuple(tiers)
        self._planner = planner
        self._assessor = assessor
        self._journal = journal
        self._clock = clock
        self._auditor = auditor
        self._observer: Observer = Unobserving()
        self._turnstile = turnstile or open_to_all()
        self._readiness = Readiness(tiers)

    def observe(self, observer: Observer) -> None:
        """Let ``observer`` look on from now on."""
        self._observer = observer

    async def start(self) -> None:
        """Open journal and ledger and start the tiers; returns when each is ready or has failed once."""
        await self._journal.start()
        await self._turnstile.start()
        if self._auditor is not None:
            await self._auditor.start()
        await self._readiness.start()

    async def close(self) -> None:
        """Stop the tiers, settle with the ledger and write out the journal."""
        try:
            if self._auditor is not None:
                await self._auditor.close()
            await self._readiness.close()
        finally:
            try:
                await self._turnstile.close()
            finally:
                await self._journal.close()

    async def start_beside(self, earlier: Router) -> None:
        """Start what ``earlier``, which runs and goes on running, does not have already.

        Takes the journal and what keeps tiers up from it; from now on ``close_beside`` ends either.
        """
        self._readiness = earlier._readiness
        await self._readiness.join(self._tiers)
        if self._auditor is not None and self._auditor is not earlier._auditor:
            await self._auditor.start()

    async def close_beside(self, others: Sequence[Router]) -> None:
        """Stop what none of ``others``, which run, has; the journal goes on."""
        parts = [other.parts for other in others]
        if self._auditor is not None and all(self._auditor is not kept.auditor for kept in parts):
            await self._auditor.close()
        backends = {id(tier.backend) for kept in parts for tier in kept.tiers}
        await self._readiness.leave(tier for tier in self._tiers if id(tier.backend) not in backends)

    @property
    def parts(self) -> Parts:
        """What a router that takes this one's place may go on with."""
        return Parts(self._tiers, self._planner.routes, self._journal, self._auditor, self._turnstile)

    def decide(self, request: Request) -> Decided:
        """Say what would be tried first, and on what grounds. Raises RoutingError."""
        self._turnstile.count(request.tenant)
        return self._cascade(Admission(self._planner.plan(request))).decide()

    async def embed(self, texts: Texts) -> Embedded:
        """Turn texts into vectors. Raises RoutingError."""
        self._turnstile.count(texts.tenant)
        return await embed(texts, self._tiers)

    async def run(self, request: Request) -> AsyncGenerator[Event]:
        """Answer a request; see :mod:`router.events`.

        Raises RoutingError. Closing the iterator stops the model; what was spent is journalled.
        """
        observation = self._observer.began(request)
        request = observation.request
        admission = await self._turnstile.admit(request, self._planner.plan)
        cascade = self._cascade(admission)
        decided: Decided | None = None
        result: Result | None = None
        failure = "CANCELLED"
        spending = cascade.plan.route.spending
        if spending is not None:
            spending.began()
        try:
            async with aclosing(cascade.run()) as events:
                async for told in events:
                    event = observation.heard(told)
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
            admission.settle(reports)
            entry = JournalEntry(cascade.plan.request, decided, result, reports, reason)
            self._journal.record(entry)
            observation.ended(entry)
            if spending is not None:
                spending.booked(sum(report.cost_usd_micros for report in reports))
            self._audit(cascade, result)

    def tiers(self) -> tuple[TierStatus, ...]:
        """Describe every tier as it is now, cheapest first."""
        return tuple(tier.status() for tier in self._tiers)

    def listen(self, listener: Listener) -> None:
        """Tell ``listener`` of every retry, hedge, refusal, and circuit or limit that moves, from now on."""
        for tier in self._tiers:
            tier.guard.listeners.add(listener)

    def tier_names(self) -> frozenset[str]:
        """Names of all tiers."""
        return frozenset(tier.name for tier in self._tiers)

    def policy_names(self) -> frozenset[str]:
        """Names of all policies."""
        return self._planner.policy_names()

    async def feedback(
        self, request_id: str, score: float, source: str, *, tenants: frozenset[str] | None = None
    ) -> bool:
        """Record how good an answer was; True where it replaced an earlier score of ``source``.

        Raises UnknownRequest where the journal has no such request of ``tenants``; None: of anybody.
        """
        replaced = await self._journal.feedback(request_id, score, source, tenants=tenants)
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

    def _cascade(self, admission: Admission) -> Cascade:
        return Cascade(admission.plan, self._assessor, self._clock)
