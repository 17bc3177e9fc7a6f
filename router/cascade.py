"""The one loop: ask the policy, give a tier its turn, look at the answer, repeat.

The loop, not the policy, holds deadline, money, attempts and cancellation. It knows no policy by
name and no backend by kind, and neither gRPC nor the journal: they listen to its events.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from functools import partial

from policies.base import Accept, Try, Verdict
from policies.foresight import is_open
from policies.reasons import Reason
from router.assess import Assessor
from router.attempt import Assessed, Attempt
from router.draft import USED_DRAFT
from router.ending import result_of
from router.events import AttemptRejected, AttemptReport, Decided, Event, TextDelta
from router.plan import Plan
from router.probing import Scene
from router.running import given_up
from router.situation import Situation
from router.turn import Turn


class Cascade:
    """One request's way up the ladder. Made for one run."""

    def __init__(self, plan: Plan, assessor: Assessor, clock: Callable[[], float]) -> None:
        self.plan = plan
        self._assessor = assessor
        self._clock = clock
        self._situation = Situation(plan, clock)

    def decide(self) -> Decided:
        """Say what would be tried first. Raises RoutingError where nothing can be."""
        return self._decided(self._situation.verdict())

    async def run(self) -> AsyncGenerator[Event]:
        """Answer the request; see :mod:`router.events` for the order of events.

        Raises RoutingError where no answer could be had. Closing the iterator stops the model.
        """
        situation = self._situation
        verdict = situation.verdict()
        yield self._decided(verdict)
        while isinstance(verdict, Try):
            turn = Turn(situation, verdict.tier, self._clock)
            async with aclosing(turn.run(self._why_tried(verdict))) as events:
                async for event in events:
                    yield event
            self._assess(turn.attempt)
            await self._probe(turn.attempt)
            verdict = situation.verdict()
            if not self._is_accepted(turn.attempt, verdict):
                yield _rejected(turn.attempt, verdict)
        if not isinstance(verdict, Accept):
            raise situation.failure()
        chosen = situation.answered()[verdict.index]
        if chosen.text and not chosen.was_shown:
            yield TextDelta(chosen.number, chosen.text)
        yield result_of(situation, chosen, situation.why_ended(verdict.reason))

    def reports(self) -> tuple[AttemptReport, ...]:
        """Account of every attempt so far, also of one that was cancelled."""
        return tuple(attempt.report() for attempt in self._situation.attempts)

    def answers(self) -> dict[str, Assessed]:
        """Complete answers by tier, with the confidence in each."""
        return {
            attempt.tier.name: Assessed(attempt.text, attempt.assessment.confidence)
            for attempt in self._situation.answered()
        }

    def _decided(self, first: Verdict) -> Decided:
        if not isinstance(first, Try):
            raise self._situation.failure()
        estimates = tuple(rung.describe() for rung in self.plan.rungs)
        return Decided(self.plan.route.name, first.tier, first.reason, estimates, self.plan.features)

    def _why_tried(self, verdict: Try) -> str:
        attempts = self._situation.attempts
        was_aborted = bool(attempts) and attempts[-1].was_aborted
        return Reason.ABORTED_EARLY if was_aborted else verdict.reason

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
        return is_open(self.plan.policy, self._situation.state(), cost_usd_micros)

    async def _probe(self, attempt: Attempt) -> None:
        """Let probes look at the answer.

        Under a certificate none runs: it was tested without. Nor on what tools are about: probes read text,
        and an answer that calls something has none to read.
        """
        prober = self._assessor.prober
        if prober is None or self.plan.permit is not None or not attempt.is_answered:
            return
        if self.plan.request.prompt.uses_tools:
            return
        situation = self._situation
        open_rungs = situation.open_rungs()
        scene = Scene(
            attempt=attempt,
            answer=attempt.answer(self.plan.request.prompt),
            rungs={rung.tier.name: rung for rung in self.plan.rungs if rung.exclusion_reason is None},
            budget=situation.budget,
            keep_usd_micros=max(map(situation.ladder.money_to_try_usd_micros, open_rungs), default=0),
            keep_s=open_rungs[0].tier.limits.typical_latency_s if open_rungs else 0.0,
            state=situation.state(),
            decide=situation.verdict,
        )
        await prober.look(scene)

    def _is_accepted(self, attempt: Attempt, verdict: Verdict) -> bool:
        return isinstance(verdict, Accept) and self._situation.answered()[verdict.index] is attempt


def _rejected(attempt: Attempt, verdict: Verdict) -> AttemptRejected:
    if attempt.was_aborted:
        reason = str(Reason.ABORTED_EARLY)
    elif attempt.error is not None:
        reason = attempt.error.reason
    elif attempt.assessment.failed_validation:
        reason = "failed_validation"
    else:
        reason = verdict.reason if isinstance(verdict, Try) else "worse_than_earlier"
    return given_up(attempt, reason)
