"""What the answers at hand are worth, and which of them is the best.

Every policy that must choose among answers chooses here. Knows nothing of tiers not yet tried.
"""

from __future__ import annotations

from collections.abc import Sequence

from policies.base import Accept, Answered, State, Stop, Verdict
from policies.reasons import Reason


def worth(answer: Answered) -> float:
    """Probability in [0, 1] that the answer is acceptable, as far as it is known.

    0 for one that failed validation; the tier's predicted quality where there is no confidence.
    """
    if answer.failed_validation:
        return 0.0
    return answer.quality if answer.confidence is None else answer.confidence


def best_index(answered: Sequence[Answered]) -> int:
    """Index of the answer worth most; one that did not fail validation wins, then the later.

    ``answered`` must not be empty.
    """
    return max(
        range(len(answered)),
        key=lambda index: (not answered[index].failed_validation, worth(answered[index]), index),
    )


def settle(state: State, reason: Reason = Reason.EXHAUSTED) -> Verdict:
    """Accept the best answer for ``reason``; without any answer, stop."""
    if not state.answered:
        return Stop(Reason.NO_TIER_LEFT)
    return Accept(best_index(state.answered), reason)
