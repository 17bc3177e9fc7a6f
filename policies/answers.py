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
    """Accept an answer for ``reason`` though more was wished for; without any answer, stop.

    The top tier's answer is taken where there is one, so that a request which went all the way up
    is answered as always asking the top would; only a validator's proof against it lets the best
    of the others stand in.
    """
    if not state.answered:
        return Stop(Reason.NO_TIER_LEFT)
    for index, answer in enumerate(state.answered):
        if state.ladder and answer.tier == state.ladder[-1] and not answer.failed_validation:
            return Accept(index, reason)
    return Accept(best_index(state.answered), reason)
