"""How a request stands: what was attempted, what is left, and what the policy is shown of it.

Decides which rungs can be tried now and what each would be asked. Refuses to run anything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from policies.arms import is_arm
from policies.base import Answered, Candidate, State, Stop, Verdict
from policies.foresight import is_kept
from policies.reasons import Reason
from router.attempt import Attempt
from router.budget import Allowance, Budget
from router.draft import Asked, Drafts
from router.errors import RoutingError
from router.ladder import Ladder
from router.plan import Plan, Rung
from router.seen import Seen

# Reasons of exclusion that the tier gives, not the request.
_SKIPPED = frozenset({"not_ready", "circuit_open"})


class Situation:
    """Where one request is. ``attempts`` are all so far, in order of time; whoever runs one adds it."""

    def __init__(self, plan: Plan, clock: Callable[[], float]) -> None:
        self.plan = plan
        constraints = plan.constraints
        self.budget = Budget(
            Allowance(constraints.max_cost_usd_micros, constraints.max_attempt_count, plan.request.timeout_s),
            clock,
        )
        self.ladder = Ladder(plan, self.budget)
        self.attempts: list[Attempt] = []
        self._ladder_names = tuple(rung.tier.name for rung in plan.rungs if not is_arm(rung.tier.name))
        self._drafts = Drafts(plan)
        self._seen = Seen()
        self._draw = draw(plan.request.id)
        spending = plan.route.spending
        self._shadow_price = None if spending is None else spending.price(self._draw)

    def verdict(self, state: State | None = None) -> Verdict:
        """What the policy decides now, or would in ``state``."""
        state = state or self.state()
        if not state.candidates and not state.answered:
            return Stop("no_tier_left")
        return self.plan.policy.decide(state)

    def state(self) -> State:
        """What the policy is shown."""
        return State(
            candidates=tuple([self._candidate(rung) for rung in self.open_rungs()]),
            answered=self._seen.answered(self.answered()),
            min_confidence=self.plan.constraints.min_confidence,
            draw=self._draw,
            features=self.plan.features,
            ladder=self._ladder_names,
            shadow_price=self._shadow_price,
            conversation_tier=self.plan.conversation_tier,
            stopped=tuple(_stopped(attempt) for attempt in self.attempts if attempt.was_aborted),
        )

    def _candidate(self, rung: Rung) -> Candidate:
        return self.asked(rung).rung.candidate if self._drafts.are_shown else rung.candidate

    def answered(self) -> list[Attempt]:
        """Attempts that gave a complete answer."""
        return [attempt for attempt in self.attempts if attempt.is_answered]

    def tried(self) -> set[str]:
        """Names of the tiers that were tried."""
        return {attempt.tier.name for attempt in self.attempts}

    def open_rungs(self) -> list[Rung]:
        """Rungs that can be tried; where nothing is left and nothing answered, those stopped once."""
        tried = self.tried()
        found = self.ladder.open(tried)
        if found or self.answered():
            return found
        names = [attempt.tier.name for attempt in self.attempts]
        once = {a.tier.name for a in self.attempts if a.was_aborted and names.count(a.tier.name) == 1}
        return self.ladder.open(tried - once)

    def asked(self, rung: Rung) -> Asked:
        """What the rung is asked: a draft is shown only where the money still pays for a usual answer."""
        asked = self._drafts.asked(rung, self.attempts)
        is_paid = self.ladder.output_token_limit(asked.rung) >= 1
        return asked if is_paid else Asked(rung, self.plan.request.prompt)

    def timeout_s(self, rung: Rung) -> float:
        """Seconds that an attempt of the rung may take, with time kept back for one escalation."""
        later = [other.tier.limits.typical_latency_s for other in self.open_rungs()]
        return self.budget.attempt_timeout_s(
            rung.tier.limits.timeout_s,
            keep_back_s=later[0] if later else 0.0,
            has_fallback=bool(self.answered()),
        )

    def can_be_rejected(self, rung: Rung) -> bool:
        """Whether the policy would go on if this rung gave the worst answer there can be."""
        prompt = self.plan.request.prompt
        can_fail = prompt.response_format is not None or prompt.tools is not None
        worst = Answered(rung.tier.name, rung.estimate.quality, 0.0, failed_validation=can_fail)
        return not is_kept(self.plan.policy, self.state(), worst)

    def failure(self) -> RoutingError:
        """The error that the request ends in where nothing answered."""
        return self.ladder.failure(
            {attempt.tier.name: attempt.error for attempt in self.attempts if attempt.error is not None}
        )

    def skipped(self) -> dict[str, str]:
        """Why tiers of the ladder were passed over though the request allows them, by name."""
        return {
            rung.tier.name: rung.exclusion_reason
            for rung in self.plan.rungs
            if rung.exclusion_reason in _SKIPPED and not is_arm(rung.tier.name)
        }

    def why_ended(self, reason: str) -> str:
        """The policy's reason, or the limit of the request that left the policy nothing to try."""
        if reason != Reason.EXHAUSTED:
            return reason
        return self.ladder.limit_reached(self.tried()) or reason


def draw(request_id: str) -> float:
    """A number in [0, 1), uniform over request ids and always the same for one."""
    return int.from_bytes(hashlib.blake2b(request_id.encode(), digest_size=7).digest()) / (1 << 56)


def _stopped(attempt: Attempt) -> Answered:
    assert attempt.watch is not None, "only a watched attempt is stopped early"
    return Answered(attempt.tier.name, attempt.rung.estimate.quality, attempt.watch.expected_confidence)
