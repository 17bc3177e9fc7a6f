"""Cascade routing: skip rungs, climb while it pays, and stop when asking on is not worth its cost.

One knob, what a right answer is worth; its inverse is the lambda of the cost-quality path, set by
hand or found so that an average budget is spent. Uses what earlier answers tell of the tiers not
yet tried, so that money is spent on the gain that a tier promises and not on doubt alone. Refuses
to know how quality and confidence were predicted.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Self

import numpy as np
from pydantic import ConfigDict, Field, model_validator

from policies.answers import best_index, settle, worth
from policies.arms import Arm, Arms
from policies.base import Accept, Answered, Candidate, State, Try, Verdict
from policies.continuation import DRAW_COUNT, best_continuation, normal_draws, outcomes
from policies.conversation import conversing, kept
from policies.escalation import EscalationOptions
from policies.joint import NOTHING_SEEN, Joint
from policies.odds import Floats
from policies.reasons import Reason
from policies.shadow_price import GUESSED_GAIN

MAX_TIERS = 6
"""Subsets are enumerated: 63 for six tiers. Of more candidates the best-predicted six count."""


class CascadeRoutingOptions(EscalationOptions):
    """What quality is worth: in dollars, or whatever an average budget makes it."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    value_of_correct_usd: float | None = Field(
        None,
        gt=0.0,
        allow_inf_nan=False,
        description="What one right answer is worth in US dollars: the most that may be spent to turn a "
        "certainly wrong answer into a certainly right one. Higher: more quality, more cost.",
    )
    budget_usd_per_request: float | None = Field(
        None,
        gt=0.0,
        allow_inf_nan=False,
        description="Instead of a value: the money that requests may cost on average, in US dollars. What "
        "an answer is worth follows from it, from calibration first and then from what was spent.",
    )
    min_gain: float = Field(
        0.001, ge=0.0, le=1.0, description="An attempt must promise this much more quality, net of its cost."
    )
    arms: Arms = ()

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.value_of_correct_usd is None) == (self.budget_usd_per_request is None):
            raise ValueError("give either value_of_correct_usd or budget_usd_per_request, and not both")
        return self

    @property
    def quality_per_usd(self) -> float:
        """Quality, of 1, that a dollar must gain; with a budget, a guess until the price is told."""
        if self.value_of_correct_usd is not None:
            return 1.0 / self.value_of_correct_usd
        assert self.budget_usd_per_request is not None, "checked when it was made"
        return GUESSED_GAIN / self.budget_usd_per_request


def arms_of(options: object) -> tuple[Arm, ...]:
    """Arms that a rule's options name; none for rules that know none."""
    return options.arms if isinstance(options, CascadeRoutingOptions) else ()


class CascadeRouting:
    """Tries the tiers whose expected gain in quality exceeds their cost."""

    Options = CascadeRoutingOptions

    def __init__(self, options: CascadeRoutingOptions, joint: Joint | None = None) -> None:
        self.options = options
        self.joint = joint or Joint()
        self._draws = normal_draws(DRAW_COUNT, MAX_TIERS)
        self._movement = lru_cache(maxsize=1024)(self.joint.movement)

    def decide(self, state: State) -> Verdict:
        """Try a conversation's own tier first, whatever another one promises; then route."""
        return kept(state) or self._route(conversing(state))

    def _route(self, state: State) -> Verdict:
        """Try the first tier of the best continuation, or accept when the best is to stop.

        A caller's ``min_confidence`` is a floor: below it the best continuation is taken whatever
        it gains, unless every tier left is predicted worse than one that has already answered.
        """
        candidates = _strongest(state.candidates)
        answers = self._revised(state.answered)
        if not candidates:
            return settle(replace(state, answered=answers))
        if not answers:
            return Try(self._best(state, candidates, 0.0)[1], Reason.BEST_VALUE)
        index = best_index(answers)
        best_now = worth(answers[index])
        forced = self._above_the_floor(state, candidates, best_now)
        if forced:
            tier = self._best(state, forced, best_now)[1]
            return Try(tier, _reason_to_go_on(state, Reason.LOW_CONFIDENCE))
        gain, tier = self._best(state, candidates, best_now)
        if gain > self.options.min_gain:
            return Try(tier, _reason_to_go_on(state, Reason.BEST_VALUE))
        if state.min_confidence is not None and best_now >= state.min_confidence:
            return Accept(index, Reason.CONFIDENT)
        return Accept(index, Reason.NOT_WORTH_MORE)

    def _best(self, state: State, candidates: tuple[Candidate, ...], best_now: float) -> tuple[float, str]:
        """Net gain of the best continuation, in quality, and its first tier."""
        qualities, seen = self._updated(state, candidates)
        movement = self._movement(tuple(candidate.tier for candidate in candidates), seen)
        known = outcomes(qualities, movement, self._draws)
        dollars = np.array([candidate.cost_usd_micros for candidate in candidates]) / 1e6
        price = self.options.quality_per_usd if state.shadow_price is None else state.shadow_price
        found = best_continuation(best_now, known, dollars * price)
        return found.gain, candidates[found.order[0]].tier

    def _updated(self, state: State, candidates: tuple[Candidate, ...]) -> tuple[Floats, str]:
        """Predictions given the last answer, which is the dearest and tells most; and its tier."""
        qualities = [candidate.quality for candidate in candidates]
        seen = (*state.stopped, *state.answered)
        if not seen:
            return np.clip(qualities, 0.0, 1.0), NOTHING_SEEN
        *earlier, last = seen
        if last.confidence is None and not last.failed_validation:
            return np.clip(qualities, 0.0, 1.0), last.tier
        agreement = last.agreements.get(earlier[-1].tier) if earlier else None
        updated = [
            self.joint.quality_given(candidate.tier, candidate.quality, last.tier, worth(last), agreement)
            for candidate in candidates
        ]
        return np.clip(updated, 0.0, 1.0), last.tier

    def _revised(self, answered: tuple[Answered, ...]) -> tuple[Answered, ...]:
        """Answers with the confidence that is left in each once the last of the others is seen."""
        if len(answered) < 2:
            return answered
        *earlier, last = answered
        return (*(self._revise(answer, last) for answer in earlier), self._revise(last, earlier[-1]))

    def _revise(self, answer: Answered, other: Answered) -> Answered:
        if answer.failed_validation or answer.confidence is None:
            return answer
        if other.confidence is None and not other.failed_validation:
            return answer
        agreement = answer.agreements.get(other.tier, other.agreements.get(answer.tier))
        confidence = self.joint.revised(answer.tier, answer.confidence, other.tier, worth(other), agreement)
        return replace(answer, confidence=confidence)

    def _above_the_floor(
        self, state: State, candidates: tuple[Candidate, ...], best_now: float
    ) -> tuple[Candidate, ...]:
        """Candidates that must be tried for the caller's floor; none where it is met."""
        if state.min_confidence is None or best_now >= state.min_confidence:
            return ()
        strongest = max(answer.quality for answer in state.answered)
        return tuple(candidate for candidate in candidates if candidate.quality >= strongest)


def _strongest(candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    """At most MAX_TIERS candidates, the best-predicted, in their order of cost."""
    if len(candidates) <= MAX_TIERS:
        return candidates
    kept = sorted(candidates, key=lambda candidate: -candidate.quality)[:MAX_TIERS]
    return tuple(candidate for candidate in candidates if candidate in kept)


def _reason_to_go_on(state: State, reason: Reason) -> Reason:
    return Reason.FAILED_VALIDATION if all(answer.failed_validation for answer in state.answered) else reason
