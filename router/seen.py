"""What a policy is shown of the attempts that answered: confidences, and how far the answers agree.

Agreement costs no call where two tiers ran anyway. A text is read and two are compared at most once,
and nothing before there are two.
"""

from __future__ import annotations

from collections.abc import Sequence

from policies.base import Answered
from policies.signals.agreement import Reading, read
from policies.signals.same import sameness
from router.attempt import Attempt


class Seen:
    """The answers of one request, as they come in."""

    def __init__(self) -> None:
        self._readings: dict[int, Reading] = {}
        self._agreements: dict[tuple[int, int], float] = {}

    def answered(self, attempts: Sequence[Attempt]) -> tuple[Answered, ...]:
        """Each of the complete ``attempts``, in order of time, with its agreement with those before it."""
        return tuple(self._answered(attempt, attempts[:place]) for place, attempt in enumerate(attempts))

    def _answered(self, attempt: Attempt, earlier: Sequence[Attempt]) -> Answered:
        return Answered(
            attempt.tier.name,
            attempt.rung.estimate.quality,
            attempt.assessment.confidence,
            attempt.assessment.failed_validation,
            {other.tier.name: self._agreement(attempt, other) for other in earlier},
        )

    def _agreement(self, attempt: Attempt, other: Attempt) -> float:
        pair = attempt.number, other.number
        if pair not in self._agreements:
            self._agreements[pair] = sameness(self._reading(attempt), self._reading(other))
        return self._agreements[pair]

    def _reading(self, attempt: Attempt) -> Reading:
        if attempt.number not in self._readings:
            self._readings[attempt.number] = read(attempt.text)
        return self._readings[attempt.number]
