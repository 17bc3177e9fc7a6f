"""How far a policy can be followed on a request of which only some tiers' answers are known.

Decides nothing itself: it shows the policy what it would have seen, as the router's loop does, and
stops where that is not known. Where all answers are known it never stops short.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from policies.base import Accept, Answered, Candidate, Policy, State, Stop, Try


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What is known of one request.

    ``candidates`` are all tiers that could be tried, cheapest first, as they were predicted;
    ``answers`` by tier those that ran. ``draw`` and ``min_confidence``: see :class:`policies.base.State`.
    """

    candidates: tuple[Candidate, ...]
    answers: Mapping[str, Answered]
    draw: float = 0.0
    min_confidence: float | None = None
    ladder: tuple[str, ...] = ()

    def with_answer(self, answer: Answered) -> Known:
        """The same request, with one more answer known."""
        return replace(self, answers={**self.answers, answer.tier: answer})


@dataclass(frozen=True, slots=True)
class Path:
    """The way a policy takes.

    ``tried`` are the tiers that run, in order. ``chosen`` is the one whose answer is given, None where
    none is, or where the way is lost at ``lost_at``: that tier runs, and what follows depends on an
    answer that is not known.
    """

    tried: tuple[str, ...]
    chosen: str | None
    lost_at: str | None = None


def follow(policy: Policy, known: Known) -> Path:
    """Follow ``policy`` on one request, through the last tier where its answer does not matter."""
    left = {candidate.tier: candidate for candidate in known.candidates}
    ran: list[Answered] = []
    while True:
        match policy.decide(_state(known, left, ran)):
            case Try(tier):
                candidate = left.pop(tier)
                answer = known.answers.get(tier)
                if answer is None:
                    tried = (*(one.tier for one in ran), tier)
                    is_last = _ends_with(policy, known, left, ran, candidate)
                    return Path(tried, tier) if is_last else Path(tried, None, lost_at=tier)
                ran.append(answer)
            case Accept(index):
                return Path(tuple(one.tier for one in ran), ran[index].tier)
            case Stop():
                return Path(tuple(one.tier for one in ran), None)


def _state(known: Known, left: Mapping[str, Candidate], ran: list[Answered]) -> State:
    return State(
        tuple(left.values()),
        tuple(ran),
        min_confidence=known.min_confidence,
        draw=known.draw,
        ladder=known.ladder,
    )


def _ends_with(
    policy: Policy,
    known: Known,
    left: Mapping[str, Candidate],
    ran: list[Answered],
    candidate: Candidate,
) -> bool:
    """Whether the policy takes this tier's answer however sure it is; only proof against it may do more."""
    for confidence in (0.0, None, 1.0):
        answer = Answered(candidate.tier, candidate.quality, confidence)
        verdict = policy.decide(_state(known, left, [*ran, answer]))
        if not isinstance(verdict, Accept) or verdict.index != len(ran):
            return False
    return True
