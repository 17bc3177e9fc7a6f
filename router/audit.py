"""Audits: answers that a cheaper tier gave, held against the top tier's, in the background.

A coin that the request's own name tosses, before anybody knows who will serve it, chooses what is
audited. Decides what an audit says of the loss; refuses to judge certificates, which the watch does.
Work waits in a bounded queue and never delays a request.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from policies.guarantee.split import share_of
from router.attempt import Attempt
from router.certificates.served import Served, says_the_same
from router.certificates.warrant import Warrant
from router.journal import Audit, Journal
from router.terms import terms_of

_LOG = logging.getLogger(__name__)

FEEDBACK_SOURCE = "audit"
"""Feedback of this source compares two answers: 0 the top's is right and the kept one wrong, 0.5 they are
as good as each other, 1 the other way round. So loss = 1 - 2 * score."""
_QUEUE_COUNT = 64
_WORKER_COUNT = 2
_LOW_PRIORITY = -1


@dataclass(slots=True)
class _Slot:
    """A place in the order of coins; ``audit`` None: not known yet."""

    audit: Audit | None = None


@dataclass(slots=True)
class _Watch:
    """One warrant's audits, in the order that requests ended in; they are told in it, whoever is done first.

    So what is told next never depends on how it came out.
    """

    warrant: Warrant
    slots: deque[_Slot] = field(default_factory=deque)

    def tell(self, journal: Journal) -> None:
        """Tell all that is known up to the first audit that is still under way."""
        while self.slots and (audit := self.slots[0].audit) is not None:
            self.slots.popleft()
            standing = self.warrant.audited(audit.certificate_id, audit.loss)
            journal.audit(replace(audit, standing=standing.value))


class Auditor:
    """Listens to what was served. ``start`` before the first request, ``close`` after the last."""

    def __init__(self, journal: Journal, clock: Callable[[], float]) -> None:
        self._journal = journal
        self._clock = clock
        self._watches: dict[Warrant, _Watch] = {}
        self._queue: asyncio.Queue[tuple[Served, _Watch, _Slot]] = asyncio.Queue(_QUEUE_COUNT)
        self._ungraded: dict[str, tuple[_Watch, _Slot, Audit]] = {}
        self._workers: list[asyncio.Task[None]] = []
        self.dropped_count = 0

    async def start(self) -> None:
        """Begin to work off the queue."""
        self._workers = [asyncio.create_task(self._work()) for _ in range(_WORKER_COUNT)]

    async def close(self) -> None:
        """Stop; audits under way are given up, and the watch's state is stored."""
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        self.store()

    def store(self) -> None:
        """Write down how the watch over every certificate stands."""
        for watch in self._watches.values():
            watch.warrant.store()

    def served(self, served: Served) -> None:
        """Take note of an answered request; returns at once and never raises."""
        warrant = served.plan.route.warrant
        if warrant is None:
            return
        if (
            self._queue.full()
        ):  # looked at before the coin and the outcome, so that neither decides what is lost
            self.dropped_count += 1
            return
        watch = self._watches.setdefault(warrant, _Watch(warrant))
        if served.went_up:
            self._compare_free(served, warrant)
        if share_of(served.plan.request.id, "upshift.audit") >= served.permit.audit_rate:
            return
        slot = _Slot()
        watch.slots.append(slot)
        if served.went_up:
            self._settle(watch, slot, served.audit(True, 0.0, "top_served"))
        else:
            self._queue.put_nowait((served, watch, slot))

    def graded(self, request_id: str, score: float) -> None:
        """Take the comparison of an audit's two answers; one that nobody waits for is passed over."""
        waiting = self._ungraded.pop(request_id, None)
        if waiting is not None:
            watch, slot, audit = waiting
            self._settle(watch, slot, replace(audit, loss=1.0 - 2.0 * score, grounds="feedback"))

    def _compare_free(self, served: Served, warrant: Warrant) -> None:
        """Hold the cheap answers that were rejected against the top's, which is there anyway."""
        top = served.answers.get(served.tier)
        for tier, answer in served.answers.items():
            if top is not None and tier != served.tier and answer.confidence is not None:
                predicted = served.agreement.predict(answer.confidence)
                warrant.escalated(
                    served.permit.certificate.id, predicted, says_the_same(answer.text, top.text)
                )

    def _settle(self, watch: _Watch, slot: _Slot, audit: Audit) -> None:
        slot.audit = audit
        watch.tell(self._journal)

    async def _work(self) -> None:
        while True:
            served, watch, slot = await self._queue.get()
            try:
                audit = await self._ask_the_top(served)
            except Exception:  # noqa: BLE001 - the watch must outlive a bug that one audit meets
                _LOG.exception("an audit failed; it counts as was expected of it")
                audit = served.audit(None, served.expected_loss, "expected")
            if audit.agreed is False and watch.warrant.label_wait_s > 0.0:
                self._await_label(watch, slot, audit)
            else:
                self._settle(watch, slot, audit)

    def _await_label(self, watch: _Watch, slot: _Slot, audit: Audit) -> None:
        """Let feedback come first; after the wait the difference counts as such ones did in calibration."""
        if audit.request_id in self._ungraded:  # a caller used its id twice; which is meant cannot be told
            self._settle(watch, slot, audit)
            return
        self._ungraded[audit.request_id] = (watch, slot, audit)

        def give_up() -> None:
            waiting = self._ungraded.get(audit.request_id)
            if waiting is not None and waiting[1] is slot:
                del self._ungraded[audit.request_id]
                self._settle(watch, slot, audit)

        asyncio.get_running_loop().call_later(watch.warrant.label_wait_s, give_up)

    async def _ask_the_top(self, served: Served) -> Audit:
        attempt = Attempt(1, served.top, self._clock)
        asked = served.plan.request.prompt
        sampling = replace(asked.sampling, max_output_token_count=served.top.output_token_limit)
        caller = replace(asked.caller, priority=_LOW_PRIORITY)
        prompt = replace(asked, sampling=sampling, caller=caller, terms=terms_of(served.plan))
        async with aclosing(attempt.stream(prompt, served.top.tier.limits.timeout_s)) as texts:
            async for _ in texts:
                pass
        report = attempt.report()
        if attempt.is_answered:
            agreed = says_the_same(served.answers[served.tier].text, attempt.text)
            loss = 0.0 if agreed else served.agreement.loss_where_different
            audit = served.audit(agreed, loss, "agreed" if agreed else "expected")
        else:
            audit = served.audit(None, served.expected_loss, "expected")
        return replace(audit, cost_usd_micros=report.cost_usd_micros, latency_s=report.latency_s)
