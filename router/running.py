"""How an attempt is begun and read: what the tier is asked, within which limits, under which eye.

Keeps the request's account of it. Refuses to decide whether there should be one.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, replace
from functools import partial

from backends.types import Prompt
from policies.costs import rest_cost
from policies.foresight import stakes_of
from policies.stopping import Checkpoint, Stakes
from router.attempt import Attempt
from router.early_stop import Watch
from router.events import AttemptRejected, AttemptStarted, TextDelta
from router.plan import Rung
from router.situation import Situation
from router.terms import terms_of
from router.voted import begun


@dataclass(frozen=True, slots=True)
class Run:
    """An attempt, what it is asked, how long it may take; ``is_live``: its text may be shown as it comes."""

    attempt: Attempt
    prompt: Prompt
    timeout_s: float
    is_live: bool

    def started(self, reason: str) -> AttemptStarted:
        """The event that it begins."""
        return AttemptStarted(self.attempt.number, self.attempt.tier.name, reason)

    def shown(self, text: str) -> TextDelta:
        """The event that ``text`` goes out before the attempt is accepted."""
        self.attempt.was_shown = True
        return TextDelta(self.attempt.number, text, self.attempt.unshown_tokens())


class Runner:
    """Makes the attempts of one request at ``rung``."""

    def __init__(self, situation: Situation, rung: Rung, clock: Callable[[], float]) -> None:
        self.situation = situation
        self.rung = rung
        self._clock = clock

    def begin(self) -> Run:
        """Make the next attempt; it has a number, and a place in the request's list."""
        situation = self.situation
        asked = situation.asked(self.rung)
        can_be_rejected = situation.can_be_rejected(asked.rung)
        attempt = begun(situation.budget.begin_attempt(), asked.rung, self._clock)
        attempt.has_draft = asked.has_draft
        if can_be_rejected and self._may_be_stopped():
            attempt.watch = self._watch(attempt)
        situation.attempts.append(attempt)
        most = situation.ladder.output_token_limit(asked.rung)
        prompt = replace(
            asked.prompt,
            sampling=replace(asked.prompt.sampling, max_output_token_count=most),
            terms=terms_of(situation.plan, situation.budget),
        )
        is_live = situation.plan.request.allow_retraction or not can_be_rejected
        return Run(attempt, prompt, situation.timeout_s(asked.rung), is_live)

    def texts(self, run: Run) -> AsyncGenerator[str]:
        """Run the attempt; see :meth:`Attempt.stream`. What it cost is charged however it ends."""
        return run.attempt.stream(run.prompt, run.timeout_s, partial(self._ended, run.attempt))

    def _ended(self, attempt: Attempt) -> None:
        self.situation.budget.charge(attempt.number, attempt.cost_usd_micros)
        attempt.tell_pace()

    def _may_be_stopped(self) -> bool:
        """Whether the tier's answers can be judged early. A tier that was stopped before is let finish."""
        name = self.rung.tier.name
        was_stopped = any(one.was_aborted and one.tier.name == name for one in self.situation.attempts)
        return name in self.situation.plan.stopping.tiers and not was_stopped

    def _watch(self, attempt: Attempt) -> Watch:
        situation, rung = self.situation, attempt.rung
        policy, stopping = situation.plan.policy, situation.plan.stopping

        def stakes(point: Checkpoint) -> Stakes | None:
            situation.budget.charge(attempt.number, attempt.cost_usd_micros)
            if not situation.ladder.open(situation.tried()):
                return None
            rest = rest_cost(rung.rates, rung.weights, point.rest_token_count).usd_micros
            return stakes_of(policy, situation.state(), rung.tier.name, rung.estimate.quality, rest)

        return Watch(stopping, rung.tier.name, rung.estimate.quality, stakes)


def given_up(attempt: Attempt, reason: str) -> AttemptRejected:
    """Void an attempt; return the event that says so."""
    attempt.was_shown = False
    attempt.reason = reason
    return AttemptRejected(attempt.number, reason, attempt.assessment.confidence)
