"""How well what is known at each moment tells a right answer, and one worth escalating.

Three moments: before anything ran, after the tier's own answer, after the next tier's answer. Two
questions: is this tier's answer right, and would the top tier do better (harm).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from policies.odds import Floats
from router.evaluate.scored import Scored

MOMENTS = ("before", "after_own", "after_next")


@dataclass(frozen=True, slots=True, eq=False)
class Signs:
    """Scores at one moment, float64 (rows, tiers but the top); NaN where nothing is known then.

    ``right`` is P(right), ``harm`` rises with P(the top tier is better).
    """

    right: Floats
    harm: Floats


def signs_of(scored: Scored) -> dict[str, Signs]:
    """Scores at the three moments, by name."""
    predicted = scored.predicted
    own = _confidences(scored)
    return {
        "before": Signs(predicted[:, :-1], predicted[:, -1:] - predicted[:, :-1]),
        "after_own": _after_own(scored, predicted, own),
        "after_next": _after_next(scored, predicted, own),
    }


def confidences_of(scored: Scored) -> Floats:
    """What is served as confidence, (rows, tiers); the prediction where there is none."""
    own = _confidences(scored)
    return np.where(np.isnan(own), scored.predicted, own)


def _confidences(scored: Scored) -> Floats:
    return np.array(
        [[_number(view.answers[tier].confidence) for tier in scored.problem.tiers] for view in scored.views]
    )


def _after_own(scored: Scored, predicted: Floats, own: Floats) -> Signs:
    tiers, joint = scored.problem.tiers, scored.learnt.joint
    right = own[:, :-1].copy()
    harm = np.full_like(right, np.nan)
    for row, column in np.argwhere(~np.isnan(right)):
        top = joint.quality_given(tiers[-1], predicted[row, -1], tiers[column], right[row, column])
        harm[row, column] = top - right[row, column]
    return Signs(right, harm)


def _after_next(scored: Scored, predicted: Floats, own: Floats) -> Signs:
    tiers, joint = scored.problem.tiers, scored.learnt.joint
    right = np.full_like(own[:, :-1], np.nan)
    harm = np.full_like(right, np.nan)
    known = ~np.isnan(own[:, :-1]) & ~np.isnan(own[:, 1:])
    for row, column in np.argwhere(known):
        tier, following = tiers[column], tiers[column + 1]
        agreement = scored.views[row].agreement(tier, following)
        after = own[row, column + 1]
        right[row, column] = joint.revised(tier, own[row, column], following, after, agreement)
        if column + 2 < len(tiers):
            top = joint.quality_given(tiers[-1], predicted[row, -1], following, after, agreement)
        else:
            top = joint.revised(following, after, tier, own[row, column], agreement)
        harm[row, column] = top - right[row, column]
    return Signs(right, harm)


def _number(confidence: float | None) -> float:
    return np.nan if confidence is None else confidence
