"""What a policy would do if: ``decide`` is pure, so it can be asked.

Decides whether an answer can be rejected at all, from which confidence it would be kept, whether more
need be known of it, and what stopping it would lead to. Runs nothing and changes nothing.
"""

from __future__ import annotations

from dataclasses import replace

from policies.base import Accept, Answered, Policy, State, Try, Verdict
from policies.stopping import Stakes, level_kept
from policies.worth_running import worth_running


def is_kept(policy: Policy, state: State, answer: Answered) -> bool:
    """Whether the policy would accept ``answer`` if it came next."""
    others = tuple(candidate for candidate in state.candidates if candidate.tier != answer.tier)
    verdict = policy.decide(replace(state, candidates=others, answered=(*state.answered, answer)))
    return isinstance(verdict, Accept) and verdict.index == len(state.answered)


def is_open(policy: Policy, state: State, cost_usd_micros: float) -> bool:
    """Whether knowing more of the last answer, at this cost, can be worth it: see :func:`worth_running`.

    Asks at both ends of confidence, so what it calls settled is settled whatever a signal may say.
    """
    *others, last = state.answered
    costs = {candidate.tier: candidate.cost_usd_micros for candidate in state.candidates}

    def verdict_at(confidence: float) -> Verdict:
        return policy.decide(replace(state, answered=(*others, replace(last, confidence=confidence))))

    def cost_of(verdict: Verdict) -> float:
        return costs[verdict.tier] if isinstance(verdict, Try) else 0.0

    return worth_running(map(verdict_at, (0.0, 1.0)), cost_usd_micros, cost_of)


def stakes_of(
    policy: Policy, state: State, tier: str, quality: float, rest_usd_micros: float
) -> Stakes | None:
    """What hangs on the answer that ``tier`` is writing; None where stopping it could not help.

    ``state`` is that of the request if it were stopped now: its candidates are what is left to ask.
    ``quality`` is what was predicted of the tier, ``rest_usd_micros`` what the rest of it would cost.
    """
    if not state.candidates:
        return None
    level = level_kept(lambda confidence: is_kept(policy, state, Answered(tier, quality, confidence)))
    if level is None:
        return None
    verdict = policy.decide(state)
    costs = {candidate.tier: candidate.cost_usd_micros for candidate in state.candidates}
    asked_next = costs[verdict.tier] if isinstance(verdict, Try) else 0.0
    return Stakes(level, asked_next, rest_usd_micros)
