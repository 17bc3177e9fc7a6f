"""The plain cascade: cheapest tier first, one step up while confidence stays below a threshold.

Refuses to weigh cost against gain; ``cascade_routing`` does. A threshold promises nothing about
the loss it causes: it is a knob, not a guarantee.
"""

from __future__ import annotations

from pydantic import ConfigDict, Field

from policies.answers import best_index, settle, worth
from policies.base import Accept, Candidate, State, Try, Verdict
from policies.conversation import conversing, kept
from policies.escalation import EscalationOptions
from policies.joint import Joint
from policies.reasons import Reason


class ThresholdOptions(EscalationOptions):
    """When an answer is good enough, and which tiers are not even asked."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    min_confidence: float = Field(
        0.8, ge=0.0, le=1.0, description="Confidence from which an answer is accepted; a caller's own wins."
    )
    min_predicted_quality: float = Field(
        0.0, ge=0.0, le=1.0, description="Tiers predicted below this are skipped while a better one is left."
    )


class Threshold:
    """Climbs the ladder until an answer is certain enough."""

    Options = ThresholdOptions

    def __init__(self, options: ThresholdOptions, joint: Joint | None = None) -> None:
        del joint  # nothing is learnt here
        self.options = options

    def decide(self, state: State) -> Verdict:
        """Accept a certain answer, else try the cheapest tier left that is worth it.

        An answer without confidence counts with its tier's predicted quality; one that failed
        validation is never certain enough. A conversation starts with its own tier.
        """
        if (verdict := kept(state)) is not None:
            return verdict
        state = conversing(state)
        if state.answered:
            index = best_index(state.answered)
            best = state.answered[index]
            asked = self.options.min_confidence if state.min_confidence is None else state.min_confidence
            if not best.failed_validation and worth(best) >= asked:
                return Accept(index, Reason.CONFIDENT)
        candidate = self._next(state)
        if candidate is None:
            return settle(state)
        return Try(candidate.tier, _reason_to_try(state))

    def _next(self, state: State) -> Candidate | None:
        """Find the cheapest candidate predicted good enough.

        While nothing is answered the best-predicted one will do: some answer beats none.
        """
        for candidate in state.candidates:
            if candidate.quality >= self.options.min_predicted_quality:
                return candidate
        if state.answered or not state.candidates:
            return None
        return max(state.candidates, key=lambda candidate: candidate.quality)


def _reason_to_try(state: State) -> Reason:
    if not state.answered:
        return Reason.CHEAPEST
    if all(answer.failed_validation for answer in state.answered):
        return Reason.FAILED_VALIDATION
    return Reason.LOW_CONFIDENCE
