"""The one loop: ask the policy, run a tier, look at the answer, repeat.

The loop, not the policy, holds deadline, money, attempts and cancellation. It knows no policy by
name and no backend by kind, and neither gRPC nor the journal: they listen to its events.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from functools import partial

from backends.types import Prompt, Usage
from policies.arms import is_arm
from policies.base import Accept, Answered, Candidate, State, Stop, Try, Verdict
from policies.costs import rest_cost
from policies.foresight import is_kept, is_open, stakes_of
from policies.reasons import Reason
from policies.stopping import Checkpoint, Stakes
from router.assess import Assessor
from router.attempt import Assessed, Attempt
from router.budget import Allowance, Budget
from router.draft import USED_DRAFT, Asked, Drafts
from router.early_stop import Watch
from router.errors import RoutingError
from router.events import AttemptRejected, AttemptReport, AttemptStarted, Decided, Event, Result, TextDelta
from router.ladder import Ladder
from router.plan import Plan, Rung
from router.probing import Scene
from router.seen import Seen
from router.terms import terms_of
from router.voted import begun


class Cascade:
    """One request's way up the ladder. Made for one run."""

    def __init__(self, plan: Plan, assessor: Assessor, clock: Callable[[], float]) -> None:
        self.plan = plan
        self._assessor = assessor
        self._clock = clock
        constraints = plan.constraints
        self._budget = Budget(
            Allowance(constraints.max_cost_usd_micros, constraints.max_attempt_count, plan.request.timeout_s),
            clock,
        )
        self._ladder = Ladder(plan, self._budget)
        self._drafts = Drafts(plan)
        self._attempts: list[Attempt] = []
        self._seen = Seen()
        self._draw = draw(plan.request.id)
        spending = plan.route.spending
        self._shadow_price = None if spending is None else spending.price(self._draw)

    def decide(self) -> Decided:
        """Say what would be tried first. Raises RoutingError where nothing can be."""
        return self._decided(self._verdict(self._state()))

    async def run(self) -> AsyncGenerator[Event]:
        """Answer the request; see :mod:`router.events` for the order of events.

        Raises RoutingError where no answer could be had. Closing the iterator stops the model.
        """
        verdict = self._verdict(self._state())
        yield self._decided(verdict)
        while isinstance(verdict, Try):
            reason = self._why_tried(verdict)
            attempt, prompt, is_live = self._begin(verdict)
            yield AttemptStarted(attempt.number, attempt.tier.name, reason)
            async with aclosing(self._stream(attempt, prompt)) as texts:
                async for text in texts:
                    if is_live:
                        attempt.was_shown = True
                        yield TextDelta(attempt.number, text)
            self._assess(attempt)
            await self._probe(attempt)
            verdict = self._verdict(self._state())
            if not self._is_accepted(attempt, verdict):
                yield self._reject(attempt, verdict)
        if not isinstance(verdict, Accept):
            raise self._failure()
        chosen = self._answered()[verdict.index]
        if chosen.text and not chosen.was_shown:
            yield TextDelta(chosen.number, chosen.text)
        yield self._result(chosen, self._why_ended(verdict.reason))

    def reports(self) -> tuple[AttemptReport, ...]:
        """Account of every attempt so far, also of one that was cancelled."""
        return tuple(attempt.report() for attempt in self._attempts)

    def answers(self) -> dict[str, Assessed]:
        """Complete answers by tier, with the confidence in each."""
        return {
            attempt.tier.name: Assessed(attempt.text, attempt.assessment.confidence)
            for attempt in self._answered()
        }

    def _decided(self, first: Verdict) -> Decided:
        if not isinstance(first, Try):
            raise self._failure()
        estimates = tuple(rung.describe() for rung in self.plan.rungs)
        return Decided(self.plan.route.name, first.tier, first.reason, estimates, self.plan.features)

    def _begin(self, verdict: Try) -> tuple[Attempt, Prompt, bool]:
        """Make the attempt; also return what it is asked, and whether its text may be shown as it comes."""
        asked = self._asked(self._ladder.rung(verdict.tier))
        rung = asked.rung
        can_be_rejected = self._can_be_rejected(rung)
        attempt = begun(self._budget.begin_attempt(), rung, self._clock)
        attempt.has_draft = asked.has_draft
        is_known = rung.tier.name in self.plan.stopping.tiers
        if is_known and can_be_rejected and rung.tier.name not in self._tried():
            attempt.watch = self._watch(attempt)
        self._attempts.append(attempt)
        return attempt, asked.prompt, self.plan.request.allow_retraction or not can_be_rejected

    def _asked(self, rung: Rung) -> Asked:
        """What the rung is asked: a draft is shown only where the money still pays for a usual answer."""
        asked = self._drafts.asked(rung, self._attempts)
        is_paid = self._ladder.output_token_limit(asked.rung) >= 1
        return asked if is_paid else Asked(rung, self.plan.request.prompt)

    def _watch(self, attempt: Attempt) -> Watch:
        """Watch an attempt that can be rejected. One that was stopped before is let finish."""
        rung = attempt.rung

        def stakes(point: Checkpoint) -> Stakes | None:
            self._budget.charge(attempt.number, attempt.cost_usd_micros)
            if not self._ladder.open(self._tried()):
                return None
            rest = rest_cost(rung.rates, rung.weights, point.rest_token_count).usd_micros
            return stakes_of(self.plan.policy, self._state(), rung.tier.name, rung.estimate.quality, rest)

        return Watch(self.plan.stopping, rung.tier.name, rung.estimate.quality, stakes)

    def _why_tried(self, verdict: Try) -> str:
        was_aborted = bool(self._attempts) and self._attempts[-1].was_aborted
        return Reason.ABORTED_EARLY if was_aborted else verdict.reason

    async def _stream(self, attempt: Attempt, prompt: Prompt) -> AsyncGenerator[str]:
        rung = attempt.rung
        sampling = replace(prompt.sampling, max_output_token_count=self._ladder.output_token_limit(rung))
        later = [other.tier.limits.typical_latency_s for other in self._open_rungs()]
        timeout_s = self._budget.attempt_timeout_s(
            rung.tier.limits.timeout_s,
            keep_back_s=later[0] if later else 0.0,
            has_fallback=bool(self._answered()),
        )
        try:
            asked = replace(prompt, sampling=sampling, terms=terms_of(self.plan, self._budget))
            async with aclosing(attempt.stream(asked, timeout_s)) as texts:
                async for text in texts:
                    yield text
        finally:
            self._budget.charge(attempt.number, attempt.cost_usd_micros)
            attempt.tell_pace()

    def _assess(self, attempt: Attempt) -> None:
        if attempt.is_answered:
            quality = attempt.rung.estimate.quality
            answer = attempt.answer(self.plan.request.prompt)
            seen = self._assessor.assess(attempt.tier.name, quality, answer, partial(self._is_worth, attempt))
            marks = {USED_DRAFT: 1.0} if attempt.has_draft else {}
            attempt.assessment = replace(seen, signals={**seen.signals, **marks})

    def _is_worth(self, attempt: Attempt, cost_us: float) -> bool:
        """Whether what takes so many microseconds to know of the last answer can change what is decided."""
        cost_usd_micros = cost_us * attempt.rung.weights.latency_usd_per_s
        return is_open(self.plan.policy, self._state(), cost_usd_micros)

    async def _probe(self, attempt: Attempt) -> None:
        """Let probes look at the answer. Under a certificate none runs: it was tested without."""
        prober = self._assessor.prober
        if prober is None or self.plan.permit is not None or not attempt.is_answered:
            return
        open_rungs = self._open_rungs()
        scene = Scene(
            attempt=attempt,
            answer=attempt.answer(self.plan.request.prompt),
            rungs={rung.tier.name: rung for rung in self.plan.rungs if rung.exclusion_reason is None},
            budget=self._budget,
            keep_usd_micros=max(map(self._ladder.money_to_try_usd_micros, open_rungs), default=0),
            keep_s=open_rungs[0].tier.limits.typical_latency_s if open_rungs else 0.0,
            state=self._state(),
            decide=self._verdict,
        )
        await prober.look(scene)

    def _verdict(self, state: State) -> Verdict:
        if not state.candidates and not state.answered:
            return Stop("no_tier_left")
        return self.plan.policy.decide(state)

    def _state(self) -> State:
        return State(
            candidates=tuple(_candidate(self._asked(rung).rung) for rung in self._open_rungs()),
            answered=self._seen.answered(self._answered()),
            min_confidence=self.plan.constraints.min_confidence,
            draw=self._draw,
            features=self.plan.features,
            ladder=tuple(rung.tier.name for rung in self.plan.rungs if not is_arm(rung.tier.name)),
            shadow_price=self._shadow_price,
            stopped=tuple(_stopped(attempt) for attempt in self._attempts if attempt.was_aborted),
        )

    def _answered(self) -> list[Attempt]:
        return [attempt for attempt in self._attempts if attempt.is_answered]

    def _can_be_rejected(self, rung: Rung) -> bool:
        """Whether the policy would go on if this rung gave the worst answer there can be."""
        can_fail = self.plan.request.prompt.response_format is not None
        worst = Answered(rung.tier.name, rung.estimate.quality, 0.0, failed_validation=can_fail)
        return not is_kept(self.plan.policy, self._state(), worst)

    def _is_accepted(self, attempt: Attempt, verdict: Verdict) -> bool:
        return isinstance(verdict, Accept) and self._answered()[verdict.index] is attempt

    def _reject(self, attempt: Attempt, verdict: Verdict) -> AttemptRejected:
        attempt.was_shown = False
        if attempt.was_aborted:
            attempt.reason = Reason.ABORTED_EARLY
        elif attempt.error is not None:
            attempt.reason = attempt.error.reason
        elif attempt.assessment.failed_validation:
            attempt.reason = "failed_validation"
        else:
            attempt.reason = verdict.reason if isinstance(verdict, Try) else "worse_than_earlier"
        return AttemptRejected(attempt.number, attempt.reason, attempt.assessment.confidence)

    def _open_rungs(self) -> list[Rung]:
        """Rungs that can be tried; where nothing is left and nothing answered, those stopped once."""
        tried = self._tried()
        found = self._ladder.open(tried)
        if found or self._answered():
            return found
        names = [attempt.tier.name for attempt in self._attempts]
        once = {a.tier.name for a in self._attempts if a.was_aborted and names.count(a.tier.name) == 1}
        return self._ladder.open(tried - once)

    def _tried(self) -> set[str]:
        return {attempt.tier.name for attempt in self._attempts}

    def _failure(self) -> RoutingError:
        return self._ladder.failure(
            {attempt.tier.name: attempt.error for attempt in self._attempts if attempt.error is not None}
        )

    def _why_ended(self, reason: str) -> str:
        """The policy's reason, or the limit of the request that left the policy nothing to try."""
        if reason != Reason.EXHAUSTED:
            return reason
        return self._ladder.limit_reached(self._tried()) or reason

    def _result(self, chosen: Attempt, reason: str) -> Result:
        assert chosen.finish_reason is not None, "only complete answers are accepted"
        chosen.accept(reason)
        reports = self.reports()
        return Result(
            request_id=self.plan.request.id,
            text=chosen.text,
            reasoning=chosen.reasoning,
            tier=chosen.tier.name,
            policy=self.plan.route.name,
            confidence=chosen.assessment.confidence,
            reason=reason,
            finish_reason=chosen.finish_reason,
            attempt_number=chosen.number,
            attempts=reports,
            usage=sum((report.total_usage for report in reports), Usage()),
            cost_usd_micros=sum(report.cost_usd_micros for report in reports),
            latency_s=self._budget.elapsed_s(),
            certificate_id=self._certificate_id(),
        )

    def _certificate_id(self) -> str | None:
        """The certificate that covers this answer; None where the request was not as those it was tested on.

        It was tested on ladders of which every tier can be tried and answers, down to the last limit.
        """
        permit = self.plan.permit
        was_disturbed = (
            permit is None
            or any(rung.exclusion_reason is not None for rung in self.plan.rungs)
            or any(not attempt.is_answered for attempt in self._attempts)
            or self._ladder.limit_reached(self._tried()) is not None
            or self.plan.constraints.min_confidence != permit.certificate.setting.min_confidence
        )
        return None if permit is None or was_disturbed else permit.certificate.id


def draw(request_id: str) -> float:
    """A number in [0, 1), uniform over request ids and always the same for one."""
    return int.from_bytes(hashlib.blake2b(request_id.encode(), digest_size=7).digest()) / (1 << 56)


def _candidate(rung: Rung) -> Candidate:
    return Candidate(rung.tier.name, rung.estimate.quality, rung.cost.usd_micros)


def _stopped(attempt: Attempt) -> Answered:
    assert attempt.watch is not None, "only a watched attempt is stopped early"
    return Answered(attempt.tier.name, attempt.rung.estimate.quality, attempt.watch.expected_confidence)
